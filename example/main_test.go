package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/internal/canary"
	"github.com/s3dbgen/s3dbgen/internal/leaktest"
	"github.com/s3dbgen/s3dbgen/internal/testserver"
)

var update = flag.Bool("update", false, "write testdata/output.txt anew")

var server testserver.Shared

func TestMain(m *testing.M) { leaktest.Tests{M: m, Then: []func(){server.Close}}.Main() }

// TestTour takes the tour in each store and compares what it prints. In memory,
// what it prints includes the requests of each step, except for the step in which
// customers race.
func TestTour(t *testing.T) {
	t.Parallel()
	want := golden(t)
	for name, url := range urls(t) {
		mask := maskRequests
		if name == "mem" {
			mask = maskRace
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The second time the database exists, and nothing of the first is in the way.
			for range 2 {
				var out strings.Builder
				if err := run(t.Context(), url, canary.Value("passphrase"), &out); err != nil {
					t.Fatalf("%v\nafter:\n%s", err, out.String())
				}
				got := maskOpen(out.String())
				if diff := cmp.Diff(mask(want), mask(got)); diff != "" {
					t.Errorf("output (-testdata/output.txt +got):\n%s", diff)
				}
			}
		})
	}
}

// golden returns testdata/output.txt.
func golden(t *testing.T) string {
	t.Helper()
	file := filepath.Join("testdata", "output.txt")
	if *update {
		var out strings.Builder
		if err := run(t.Context(), "mem://", canary.Value("passphrase"), &out); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(maskRace(maskOpen(out.String()))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	openRequests = regexp.MustCompile(`(?m)^(Open the shop  )\(.*\)$`)
	raceRequests = regexp.MustCompile(`(?m)^(Sell one product to many at once  )\(.*\)$`)
	stepRequests = regexp.MustCompile(`(?m)^(\S.*  )\(.*\)$`)
	bill         = regexp.MustCompile(`(?s)\nIn S3 Standard.*`)
)

// maskOpen hides the requests of Open: the first time, some of them create the
// database.
func maskOpen(text string) string { return openRequests.ReplaceAllString(text, "$1(…)") }

// maskRace hides the requests of the race, and the sum of all.
func maskRace(text string) string {
	return bill.ReplaceAllString(raceRequests.ReplaceAllString(text, "$1(…)"), "")
}

// maskRequests hides all requests: stores differ in how they delete, and in what
// the first tour leaves for the second.
func maskRequests(text string) string {
	return maskRace(stepRequests.ReplaceAllString(text, "$1(…)"))
}
