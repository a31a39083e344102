package s3dbjs_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The cases in which s3db.js returns a wrong value and the stored bytes hold the
// right one. Each has a row of that name in docs/s3dbjs.md.
const (
	textAsLatin1   = "Text beyond ASCII"
	fractionsNaN   = "Fractions"
	nullNumber     = "Null numbers"
	textAsJSON     = "Text that looks like JSON"
	quotedDate     = "Dates"
	headerCase     = "More than 36 attributes"
	truncatedCopy  = "Truncated documents"
	positions      = "Documents of older versions"
	updateNotes    = "Traces of updates"
	nullSecret     = "Null secrets"
	secretNumbers  = "Secret numbers"
	longVectors    = "Long arrays"
	timesOfDay     = "Times of day"
	coordinates    = "Coordinates"
	buffersInParts = "Buffers"
	lostNumber     = "Tiny numbers"
	lostObject     = "Secret objects"
	idsWithSlash   = "Ids with a slash"
	versionNames   = "Version names"
	ciphertextText = "Wrong passphrases"
	valuesContent  = "Content"
)

// wrongRecords are documents of the fixtures: what was written is right.
func wrongRecords() map[string]string {
	return map[string]string{
		"seed/docs-truncate-data/big": truncatedCopy,
		"seed/kinds_str/s02":          textAsLatin1,
		"seed/kinds_str/s03":          textAsLatin1,
		"seed/kinds_str/s28":          textAsLatin1,
		"seed/kinds_str/s32":          textAsLatin1,
		"seed/orders/user_3":          textAsLatin1,
		"seed/orders/q?mark":          textAsLatin1,
		"seed/orders/semi;colon":      textAsLatin1,
		"seed/kinds_obj/o1":           textAsLatin1,
		"seed/kinds_obj/o2":           textAsLatin1,
		"seed/kinds_num/n10":          fractionsNaN,
		"seed/kinds_num/n11":          fractionsNaN,
		"seed/kinds_num/n12":          fractionsNaN,
		"seed/kinds_num/n13":          fractionsNaN,
		"seed/kinds_num/n17":          fractionsNaN,
		"seed/kinds_num/n18":          fractionsNaN,
		"seed/kinds_num/n19":          fractionsNaN,
		"seed/kinds_num/n22":          fractionsNaN,
		"seed/wide/w":                 headerCase,
		"seed/products/p1":            positions,
		"seed/products/p2":            positions,
		"v21/products/p1":             positions,
		"v21/products/p2":             positions,
		"v21/products/p3":             positions,
		"v21/vault/k1":                updateNotes,
	}
}

// correction is a vector: right is what the stored text means.
type correction struct {
	reason string
	right  any
	lost   bool // the right value is not in the stored bytes, which is a problem
}

// wrongVectors are by generation, definition and stored text as s3db.js sees it.
func wrongVectors(v vector) map[string]correction {
	return map[string]correction{
		"seed \"string|optional\" SÃ£o Paulo":                             {textAsLatin1, "São Paulo", false},
		"seed \"string|optional\" Ã\u0080Ã\u0089Ã\u008eÃ\u0095Ã\u009c":    {textAsLatin1, "ÀÉÎÕÜ", false},
		"seed \"string|optional\" Ã©Ã©Ã©abcdefgh":                         {textAsLatin1, "éééabcdefgh", false},
		`seed "string|optional" {}`:                                       {textAsJSON, `{}`, false},
		`seed "string|optional" {"a":1}`:                                  {textAsJSON, `{"a":1}`, false},
		`seed "string|optional" [1,2]`:                                    {textAsJSON, `[1,2]`, false},
		`v21 "string|optional" {}`:                                        {textAsJSON, `{}`, false},
		`v21 "string|optional" {"a":1}`:                                   {textAsJSON, `{"a":1}`, false},
		`v21 "string|optional" [1,2]`:                                     {textAsJSON, `[1,2]`, false},
		`seed "number|optional" 1.5`:                                      {fractionsNaN, 1.5, false},
		`seed "number|optional" -1.5`:                                     {fractionsNaN, -1.5, false},
		`seed "number|optional" 0.1`:                                      {fractionsNaN, 0.1, false},
		`seed "number|optional" 0.25`:                                     {fractionsNaN, 0.25, false},
		`seed "number|optional" 1Z.456`:                                   {fractionsNaN, 123.456, false},
		`seed "number|optional" 1.5e+300`:                                 {fractionsNaN, 1.5e300, false},
		`seed "number|optional" 1C.1`:                                     {fractionsNaN, 100.1, false},
		`seed "number|optional" null`:                                     {nullNumber, nil, false},
		`v21 "number|optional" `:                                          {lostNumber, nil, true},
		`seed "date|optional" "2024-01-02T03:04:05.678Z"`:                 {quotedDate, "2024-01-02T03:04:05.678Z", false},
		`v21 "timeonly|optional" 33OZq`:                                   {timesOfDay, "12:34:00", false},
		`v21 "timeonly|optional" 343yE`:                                   {timesOfDay, "12:34:56", false},
		`v21 "timeonly|optional" 343JW`:                                   {timesOfDay, "12:34:56.7", false},
		`v21 "geo:lat|optional" ~4uOxO`:                                   {coordinates, -23.55052, false},
		`v21 "geo:point|optional" ~4uOGc~91BD2`:                           {coordinates, map[string]any{"latitude": -23.55, "longitude": -46.63}, false},
		`v21 "buffer|optional" <absent>`:                                  {buffersInParts, "Buffer:6869", false},
		`v21 "bits:16|optional" <absent>`:                                 {buffersInParts, "Buffer:0102", false},
		`seed "secret|optional" encrypted null`:                           {nullSecret, nil, false},
		`seed "secretNumber|optional" encrypted "42.5"`:                   {secretNumbers, 42.5, false},
		`v21 "secretNumber|optional" encrypted "42.5"`:                    {secretNumbers, 42.5, false},
		`seed "secretAny|optional" encrypted {"a":1}`:                     {lostObject, nil, true},
		`v21 "secretAny|optional" encrypted {"a":1}`:                      {lostObject, nil, true},
		`seed "array|items:number|length:256|optional" ` + wireOf(v.Wire): {longVectors, v.In, false},
	}
}

func wireOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TestWrongValuesAreDocumented: every reason has a row in the table of the
// documentation.
func TestWrongValuesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/s3dbjs.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{idsWithSlash: true, versionNames: true, ciphertextText: true, valuesContent: true}
	for _, reason := range wrongRecords() {
		reasons[reason] = true
	}
	for _, c := range wrongVectors(vector{}) {
		reasons[c.reason] = true
	}
	for reason := range reasons {
		if !strings.Contains(string(page), fmt.Sprintf("\n| %s |", reason)) {
			t.Errorf("docs/s3dbjs.md has no row %q", reason)
		}
	}
	rows := 0
	_, table, _ := strings.Cut(string(page), "\n| case |")
	for i, line := range strings.Split(table, "\n") {
		if i > 0 && !strings.HasPrefix(line, "|") {
			break
		}
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && i > 1 {
			rows++
			if !reasons[name] {
				t.Errorf("docs/s3dbjs.md has a row %q that no test knows", name)
			}
		}
	}
	if rows != len(reasons) {
		t.Errorf("%d rows for %d reasons", rows, len(reasons))
	}
}
