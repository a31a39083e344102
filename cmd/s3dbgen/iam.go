package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

func newIAM() *cobra.Command {
	var readOnly, bucketPolicy bool
	command := &cobra.Command{
		Use:                   "iam URL [--read-only | --bucket-policy]",
		DisableFlagsInUseLine: true,
		Short:                 "Print the policy that a program needs",
		Long: `Iam prints an AWS policy in JSON. It sends no request.

Without flags it is the least that a program needs to use the database, to be
attached to its role or user: its own keys, and no other action. With --read-only
it is the least that "get", "list", "count", "inspect" and "export" need.

With --bucket-policy it is a policy of the bucket: documents and unique claims can
then be written only under a condition, by whoever may write. That is how clients
write them; a copy by "aws s3 cp" or by a program of another kind, which could undo
another's write, is refused.`,
		Example: `  s3dbgen iam s3://bucket/shop
  s3dbgen iam s3://bucket/shop --read-only
  s3dbgen iam s3://bucket/shop --bucket-policy`,
		Args: exactly("URL"),
		RunE: func(command *cobra.Command, args []string) error {
			u, err := s3db.ParseURL(args[0])
			switch {
			case err != nil:
				return err
			case u.Scheme != "s3":
				return usageError{fmt.Errorf("%s: only databases in a bucket have policies", u)}
			case u.Host == "":
				return usageError{fmt.Errorf("%s names no bucket", u)}
			case readOnly && bucketPolicy:
				return usageError{fmt.Errorf("--read-only and --bucket-policy are two policies: ask for one at a time")}
			case bucketPolicy:
				return writePolicy(command.OutOrStdout(), enforcement(u.Host, u.Path))
			}
			return writePolicy(command.OutOrStdout(), permissions(u.Host, u.Path, readOnly))
		},
	}
	command.Flags().BoolVar(&readOnly, "read-only", false, "only what reading needs")
	command.Flags().BoolVar(&bucketPolicy, "bucket-policy", false, "the policy of the bucket that enforces conditional writes")
	return command
}

// policy is a policy document:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html.
type policy struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Sid       string                    `json:"Sid"`
	Effect    string                    `json:"Effect"`
	Principal string                    `json:"Principal,omitempty"`
	Action    []string                  `json:"Action"`
	Resource  []string                  `json:"Resource"`
	Condition map[string]map[string]any `json:"Condition,omitempty"`
}

func writePolicy(w io.Writer, statements []statement) error {
	return writePlain(w, policy{Version: "2012-10-17", Statement: statements})
}

// below is a prefix of keys with the slash that ends it.
func below(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + "/"
}

// permissions are what a client of a database needs. Without leave to list, S3 answers
// that a missing object is forbidden instead of not found; it takes the object's key for
// the prefix then. Unfinished uploads are listed to clean up, which no condition on
// prefixes bounds:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html.
func permissions(bucket, prefix string, readOnly bool) []statement {
	list := statement{Sid: "ListKeys", Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{"arn:aws:s3:::" + bucket}}
	if prefix != "" {
		list.Condition = map[string]map[string]any{"StringLike": {"s3:prefix": below(prefix) + "*"}}
	}
	objects := statement{Sid: "ReadObjects", Effect: "Allow", Action: []string{"s3:GetObject"}, Resource: []string{"arn:aws:s3:::" + bucket + "/" + below(prefix) + "*"}}
	if readOnly {
		return []statement{list, objects}
	}
	uploads := statement{Sid: "ListUploads", Effect: "Allow", Action: []string{"s3:ListBucketMultipartUploads"}, Resource: list.Resource}
	objects.Sid, objects.Action = "ReadAndWriteObjects", append(objects.Action, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
	return []statement{list, uploads, objects}
}

// enforcement refuses writes of documents and claims without a condition. Parts of
// uploads cannot have one and are let through:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html.
func enforcement(bucket, prefix string) []statement {
	root := "arn:aws:s3:::" + bucket + "/" + below(prefix)
	return []statement{{
		Sid: "OnlyConditionalWrites", Effect: "Deny", Principal: "*", Action: []string{"s3:PutObject"},
		Resource: conditionalKeys(root),
		Condition: map[string]map[string]any{
			"Null": {"s3:if-match": "true", "s3:if-none-match": "true"},
			"Bool": {"s3:ObjectCreationOperation": "true"},
		},
	}}
}

// conditionalKeys are the patterns of the keys that clients write under a condition
// only.
func conditionalKeys(root string) []string {
	return []string{root + "resource=*/data/*", root + "resource=*/unique=*", root + "sequence=*"}
}
