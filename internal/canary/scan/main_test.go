package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/s3dbgen/s3dbgen/internal/canary"
)

func TestScan(t *testing.T) {
	secret := canary.Value("x")
	for _, test := range []struct {
		name, in, want string
		leaks          int
	}{
		{"nothing", "=== RUN   TestA\na line\nthe last", "canary: 3 lines searched, 0 with a secret\n", 0},
		{
			"a secret", "=== RUN   TestA\n=== RUN   TestA/b\nwith " + secret + "\nFAIL\tx\n",
			fmt.Sprintf("canary: line 3, after TestA/b, holds a secret as it is: %q\nFAIL\tx\ncanary: 5 lines searched, 1 with a secret\n", "with "+secret+"\n"), 1,
		},
		{"a failure", "    --- FAIL: TestA/b (0.00s)\nwhy\n", "    --- FAIL: TestA/b (0.00s)\ncanary: 3 lines searched, 0 with a secret\n", 0},
		{"in the last line", secret, fmt.Sprintf("canary: line 1, after no test, holds a secret as it is: %q\ncanary: 1 lines searched, 1 with a secret\n", secret), 1},
	} {
		var report strings.Builder
		leaks, err := scan(strings.NewReader(test.in), &report)
		if leaks != test.leaks || err != nil || report.String() != test.want {
			t.Errorf("%s: %d leaks, %v, reported\n%s\nwant\n%s", test.name, leaks, err, report.String(), test.want)
		}
	}
}
