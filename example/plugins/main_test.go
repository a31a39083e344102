package main

import (
	"strings"
	"testing"
)

// TestPlugins builds and runs the three plugins: the committed package is what they make.
func TestPlugins(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run("schema.yaml", true, &out); err != nil {
		t.Errorf("%v\n%s(go generate ./example/plugins writes them)", err, out.String())
	}
}
