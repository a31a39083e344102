package bigquery_test

import (
	"fmt"

	"github.com/s3dbgen/s3dbgen/plugins/replicator/bigquery"
)

func ExampleNew() {
	target, err := bigquery.New(bigquery.Config{
		ProjectID: "my-project",
		DatasetID: "analytics",
		Location:  "EU",
		LogTable:  "s3db_replicator_log",
		Credentials: bigquery.Credentials{
			ClientEmail: "service-account@my-project.iam.gserviceaccount.com",
			PrivateKey:  "-----BEGIN PRIVATE KEY-----\\n…", // from the environment
		},
	})
	fmt.Println(target != nil, err)
	// Output:
	// false configuration: bigquery: private_key is not in PEM; in JSON and YAML its lines end in \n within double quotes
}
