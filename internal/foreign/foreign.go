// Package foreign puts recorded databases of s3db.js on servers, for tests of what
// reads them.
package foreign

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/s3dbgen/s3dbgen/internal/testserver"
)

// Put puts the database recorded in a file, such as s3dbjs/testdata/seed.json, into a
// bucket below a prefix and returns the passphrase of its secrets. Headers get the bytes
// that Node sends. Objects whose keys, below the prefix, are refused by keep are left
// out; nil keeps all.
func Put(tb testing.TB, server *testserver.Server, bucket, prefix, file string, keep func(key string) bool) (passphrase string) {
	tb.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a fixture of the repository
	if err != nil {
		tb.Fatal(err)
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
		tb.Fatal(err)
	}
	client := s3.New(s3.Options{
		BaseEndpoint: &server.Endpoint, Region: "us-east-1", UsePathStyle: true,
		Credentials:                credentials.NewStaticCredentialsProvider(server.AccessKey, server.SecretKey, ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	for _, o := range fixture.Objects {
		if keep != nil && !keep(o.Key) {
			continue
		}
		for k, v := range o.Metadata {
			latin1 := make([]byte, 0, len(v))
			for _, r := range v {
				latin1 = append(latin1, byte(r)) //nolint:gosec // Node writes headers so
			}
			o.Metadata[k] = string(latin1)
		}
		_, err := client.PutObject(tb.Context(), &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String(prefix + "/" + o.Key), Body: bytes.NewReader(o.Body), Metadata: o.Metadata,
		})
		if err != nil {
			tb.Fatalf("put %s: %v", o.Key, err)
		}
	}
	return fixture.Passphrase
}
