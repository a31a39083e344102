module github.com/s3dbgen/s3dbgen

go 1.26
