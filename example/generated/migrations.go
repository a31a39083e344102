package shop

// MigrateReportV0ToV1 gives reports of version 0 the currency that all of them
// were in. It is written by hand; reports_versions.go says what it takes.
func MigrateReportV0ToV1(_ ReportV0) (ReportV1Changes, error) {
	return ReportV1Changes{Currency: "EUR"}, nil
}
