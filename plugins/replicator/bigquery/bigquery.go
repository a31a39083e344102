// Package bigquery replicates to Google BigQuery.
package bigquery
