package schema

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestAdviceIsExact: with the max that a warning advises every document fits, and
// with one more some do not.
func TestAdviceIsExact(t *testing.T) {
	advised := regexp.MustCompile(`max (?:of|to) (\d+)`)
	for _, attributes := range []string{
		"      user: string|max:40\n      agent: string|max:%\n",
		"      token: string|hex|max:%\n      at: datetime\n      tags: {type: array, items: string|max:5, max: 4}\n",
		"      title: string|max:100\n      text: text|max:%\n",
	} {
		warning := func(most int) Diagnostics {
			text := strings.ReplaceAll(attributesOf(attributes)+"    behavior: enforce-limits\n", "%", strconv.Itoa(most))
			return corpusCase{schema: text}.run()
		}
		found := warning(5000)
		if len(found) != 1 {
			t.Fatal(found)
		}
		match := advised.FindStringSubmatch(found[0].Suggestion)
		if match == nil {
			t.Fatal(found)
		}
		n, _ := strconv.Atoi(match[1])
		if found := warning(n); len(found) > 0 {
			t.Errorf("with the max that is advised:\n%s", found)
		}
		if found := warning(n + 1); len(found) != 1 {
			t.Errorf("a max of %d is enough too for\n%s", n+1, attributes)
		}
	}
}
