package awskms_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/s3dbgen/s3dbgen/plugins/awskms"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A database whose data keys are wrapped by a key in KMS gets a new data key, and
// its secrets are encrypted anew under it. A program does this, and not the
// command s3dbgen, which links no KMS.
func Example() {
	rotate := func(ctx context.Context, client *kms.Client, store s3db.Store, keyARN string) error {
		provider, err := awskms.New(client, keyARN)
		if err != nil {
			return err
		}
		db, err := s3db.New(ctx, store, s3db.Config{Existing: true}, s3db.WithKeyProvider(provider))
		if err != nil {
			return err
		}
		report, err := db.Rotate(ctx, s3db.RotateOptions{NewKey: true})
		if err != nil {
			return err
		}
		for _, key := range report.Keys {
			fmt.Println(key.ID, key.Secrets)
		}
		return nil
	}
	_ = rotate
}
