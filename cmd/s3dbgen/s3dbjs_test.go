package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/testserver"
)

// foreignDatabase puts a database that s3db.js wrote into a bucket of a real
// server, below a prefix, and returns its URL. Headers get the bytes that Node
// sends.
func foreignDatabase(t *testing.T, server *testserver.Server, bucket, name string) (url, passphrase string) {
	t.Helper()
	text, err := os.ReadFile("../../s3dbjs/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var fixture struct {
		Passphrase string
		Objects    []struct {
			Key      string
			Metadata map[string]string
			Body     []byte
		}
	}
	if err := json.Unmarshal(text, &fixture); err != nil {
		t.Fatal(err)
	}
	client := s3.New(s3.Options{
		BaseEndpoint: &server.Endpoint, Region: "us-east-1", UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	for _, o := range fixture.Objects {
		for k, v := range o.Metadata {
			latin1 := make([]byte, 0, len(v))
			for _, r := range v {
				latin1 = append(latin1, byte(r))
			}
			o.Metadata[k] = string(latin1)
		}
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("old/" + name + "/" + o.Key), Body: bytes.NewReader(o.Body), Metadata: o.Metadata,
		})
		if err != nil {
			t.Fatalf("put %s: %v", o.Key, err)
		}
	}
	return server.BucketURL(bucket, "old/"+name), fixture.Passphrase
}

// foreignServer starts a server for one test.
func foreignServer(t *testing.T) *testserver.Server {
	t.Helper()
	var shared testserver.Shared
	server := shared.Get(t)
	t.Cleanup(shared.Close)
	return server
}

// TestImportSchema reads a database of s3db.js on a real server.
func TestImportSchema(t *testing.T) {
	server := foreignServer(t)
	bucket := server.Bucket(t)
	url, _ := foreignDatabase(t, server, bucket, "seed")
	run1 := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), append([]string{"import-schema"}, args...), strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	golden, err := os.ReadFile("../../s3dbjs/convert/testdata/seed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(string(golden), "package: shop", "package: seed", 1)
	if code, out, stderr := run1(url); code != exitOK || out != want {
		t.Errorf("exit code %d, %s\n%s", code, stderr, out)
	}
	file := filepath.Join(t.TempDir(), "schema.yaml")
	if code, out, stderr := run1(url, "-o", file, "--package", "shop"); code != exitOK || out != file+": 15 resources\n" {
		t.Errorf("exit code %d, %s%s", code, out, stderr)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, golden) {
		t.Errorf("the file: %v\n%s", err, got)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "import-schema takes one database URL, got 0"},
		{[]string{url, "-o", file}, "exists; name another file"},
		{[]string{server.BucketURL(bucket, "nowhere")}, "there is no database here (no s3db.json)"},
		{[]string{"gopher://x"}, "gopher"},
		{[]string{url, "--package", "Not Go"}, "package"},
	} {
		if code, out, stderr := run1(test.args...); code != exitFailed || out != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q, want %q", test.args, code, out, stderr, test.want)
		}
	}
}
