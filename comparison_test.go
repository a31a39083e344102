package s3dbgen_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

var update = flag.Bool("update", false, "write what pages show of computed tables and of recorded output anew")

// Prices that are not of S3, in us-east-1, as of November 2026:
// https://aws.amazon.com/dynamodb/pricing/on-demand/ and
// https://aws.amazon.com/rds/postgresql/pricing/.
const (
	// A write of up to 1 KB is one unit, in a transaction two; a strongly consistent
	// read of up to 4 KB is one, any other half of one.
	dynamoWrite s3db.NanoDollars = 625
	dynamoRead  s3db.NanoDollars = 125
	// db.t4g.micro for an hour, and 20 GB of gp3 for a month.
	rdsHour    s3db.NanoDollars = 16_000_000
	rdsStorage s3db.NanoDollars = 20 * 115_000_000

	hoursAMonth   = 730
	secondsAMonth = hoursAMonth * 3600
	million       = 1_000_000
)

const rdsMonth = hoursAMonth*rdsHour + rdsStorage

// TestComparisonCosts computes the prices that docs/comparison.md shows from the
// requests that operations take.
func TestComparisonCosts(t *testing.T) {
	t.Parallel()
	type counts = s3db.RequestCounts
	var table strings.Builder
	table.WriteString("| a million of | S3 Standard | S3 Express One Zone | DynamoDB on demand | requests on S3 |\n|---|---|---|---|---|\n")
	for _, row := range []struct {
		operation string
		many      counts // of a million
		dynamo    string
		requests  string
	}{
		{"gets", counts{Get: million}, fmt.Sprintf("%s; %s if it may be stale", dollars(million*dynamoRead), dollars(million*dynamoRead/2)), "1 GET"},
		{"inserts without indexes", counts{Put: million}, dollars(million * dynamoWrite), "1 PUT"},
		// A transaction of the item and of one that reserves the value, and an index.
		{"inserts with 1 partition and 1 unique attribute", counts{Put: 3 * million}, dollars(million * (2*2 + 1) * dynamoWrite), "3 PUT"},
		{"updates of a document at hand", counts{Put: million}, dollars(million * dynamoWrite), "1 PUT"},
		{"updates by id, same index values", counts{Get: million, Put: million}, dollars(million * dynamoWrite), "1 GET, 1 PUT"},
		// A query reads 1 MB of 1,000 documents: 250 units.
		{"documents listed", counts{Get: million, List: million / 1000}, dollars(million / 4 * dynamoRead), "1 GET; 1 LIST for 1,000"},
		{"documents counted", counts{List: million / 1000}, dollars(million / 4 * dynamoRead), "1 LIST for 1,000"},
	} {
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", row.operation,
			dollars(s3db.ClassStandard.Prices().Of(row.many)), dollars(s3db.ClassExpressOneZone.Prices().Of(row.many)), row.dynamo, row.requests)
	}
	computed(t, "docs/comparison.md", "costs", table.String())
}

// TestBreakEven computes what rates cost that docs/when-not.md warns of, and where a
// server becomes cheaper.
func TestBreakEven(t *testing.T) {
	t.Parallel()
	standard := s3db.ClassStandard.Prices()
	insert := standard.Of(s3db.RequestCounts{Put: 2})
	var table strings.Builder
	table.WriteString("| inserts a second | S3 Standard | DynamoDB on demand | the smallest RDS |\n|---|---|---|---|\n")
	for _, tenths := range []int64{1, 10, 100, 1000} {
		n := s3db.NanoDollars(tenths * secondsAMonth / 10)
		server := dollars(rdsMonth)
		if tenths == 1000 {
			server = "a larger one"
		}
		fmt.Fprintf(&table, "| %g | %s | %s | %s |\n", float64(tenths)/10, dollars(n*insert), dollars(n*2*dynamoWrite), server)
	}
	fmt.Fprintf(&table, "\nA server of %s a month is cheaper than S3 from %.1f inserts a second on, or %.0f gets.\n",
		dollars(rdsMonth), float64(rdsMonth)/float64(insert)/secondsAMonth, float64(rdsMonth)/float64(standard.Get)/secondsAMonth)
	computed(t, "docs/when-not.md", "rates", table.String())
}

// computed compares the part of a page between <!-- name: … --> and <!-- end --> with
// what it should be, or writes it with -update.
func computed(t *testing.T, file, name, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), "<!-- "+name+": ")
	comment, rest, _ := strings.Cut(rest, "\n")
	got, tail, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("%s has no part <!-- %s: … --> … <!-- end -->", file, name)
	}
	if *update {
		if err := os.WriteFile(file, []byte(head+"<!-- "+name+": "+comment+"\n"+want+"<!-- end -->"+tail), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s (-computed +page); make generate writes it\n%s", file, name, diff)
	}
}

// dollars rounds to cents, and below a dollar to four digits, of which zeros at the end
// are left out.
func dollars(n s3db.NanoDollars) string {
	d := n.Dollars()
	if d >= 1 {
		return fmt.Sprintf("$%.2f", d)
	}
	text := fmt.Sprintf("$%.4f", d)
	for len(text) > len("$0.00") && strings.HasSuffix(text, "0") {
		text = text[:len(text)-1]
	}
	return text
}
