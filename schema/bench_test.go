package schema

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkParse reads and numbers a schema of 100 resources of 10 attributes.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	text.WriteString("package: shop\nresources:\n")
	for i := range 100 {
		fmt.Fprintf(&text, "  resource%d:\n    timestamps: true\n    attributes:\n", i)
		for j := range 10 {
			fmt.Fprintf(&text, "      attribute%d: string|min:2|max:100\n", j)
		}
	}
	src := []byte(text.String())
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		s, found := Parse("schema.yaml", src)
		if len(found) > 0 {
			b.Fatal(found)
		}
		l, _ := ReadLock("schema.lock.yaml", nil)
		s.Assign(l)
		l.Bytes()
	}
}
