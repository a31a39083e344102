package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// commands returns a command and those below it, each with its path of names.
func commands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.Name() != "help" && sub.Name() != "completion" { // of the library
			all = append(all, commands(sub)...)
		}
	}
	return all
}

// TestHelp holds the help of every command to its golden text, for a change of help is
// a change of the product.
func TestHelp(t *testing.T) {
	t.Parallel()
	const golden = "testdata/help.golden"
	var got strings.Builder
	for _, c := range commands(newRoot()) {
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
			t.Errorf("%v: exit code %d\n%s", args, code, stderr.String())
		}
		got.WriteString("-- s3dbgen " + strings.Join(args, " ") + " --\n" + stdout.String())
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("help differs from %s (-golden +now; go test ./cmd/s3dbgen -update writes it)\n%s", golden, diff)
	}
}

// TestHelpIsComplete wants the same of each help: what the command does in one line and
// in some, with its name in front, and examples that begin with the command, all within
// the width of a terminal.
func TestHelpIsComplete(t *testing.T) {
	t.Parallel()
	const width = 90
	short := regexp.MustCompile(`^[A-Z].*[^.]$`)
	for _, c := range commands(newRoot()) {
		path := c.CommandPath()
		fault := func(text string) { t.Errorf("%s: %s", path, text) }
		if !short.MatchString(c.Short) {
			fault("the line of the list is not a phrase: " + c.Short)
		}
		first, _, _ := strings.Cut(c.Long, " ")
		if c.HasParent() && !strings.EqualFold(first, c.Name()) || !strings.HasSuffix(c.Long, ".") {
			fault("the description does not begin with the name of the command, or has no end: " + c.Long)
		}
		if !strings.HasPrefix(c.Example, "  "+path) {
			fault("no example")
		}
		for line := range strings.Lines(c.Example) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "s3dbgen ") && !strings.HasPrefix(line, path) {
				fault("an example of another command: " + line)
			}
		}
		if c.HasParent() && !c.Parent().HasParent() && c.GroupID == "" {
			fault("it is in no group of commands")
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				fault("a line is longer than a terminal: " + line)
			}
		}
	}
}
