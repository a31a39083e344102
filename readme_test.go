package s3dbgen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snippet is a fenced block of README.md.
type snippet struct {
	language string
	file     string // the name in backticks that begins the paragraph before it
	text     string
}

// TestReadmeFiveMinutes does what the README tells a newcomer to do, in an empty
// folder, and compares what is printed. The module comes from this checkout.
func TestReadmeFiveMinutes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program of a user")
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var output string
	compared := 0
	for _, s := range readmeSection(t, "Five minutes") {
		switch s.language {
		case "sh":
			output = ""
			for line := range strings.Lines(s.text) {
				// Before the first release there is nothing to download.
				if tool, ok := strings.CutPrefix(strings.TrimSpace(line), "go get -tool "); ok {
					tool = strings.TrimSuffix(tool, "@latest")
					line = "go mod edit -require " + module + "@v0.0.0 -replace " + module + "=" + root + " -tool " + tool + " && go mod tidy"
				}
				output = shell(t, dir, line)
			}
		case "text":
			compared++
			if diff := cmp.Diff(s.text, output); diff != "" {
				t.Errorf("output of the program (-README +got):\n%s", diff)
			}
		default:
			if s.file == "" {
				t.Errorf("a block of %s says no file name", s.language)
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, s.file), []byte(s.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if compared == 0 {
		t.Error("README shows no output to compare")
	}
}

// readmeSection returns the fenced blocks of a section of README.md.
func readmeSection(t *testing.T, title string) []snippet {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+title+"\n")
	if !ok {
		t.Fatalf("README has no section %q", title)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	block := regexp.MustCompile("(?ms)^(?:`([^`\n]+)`[^\n]*(?:\n[^\n]+)*\n\n)?```([a-z]+)\n(.*?)^```$")
	var snippets []snippet
	for _, m := range block.FindAllStringSubmatch(section, -1) {
		snippets = append(snippets, snippet{file: m[1], language: m[2], text: m[3]})
	}
	return snippets
}

// shell runs a line in a directory and returns what it prints to stdout.
func shell(t *testing.T, dir, line string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-buildvcs=false")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.TrimSpace(line), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}
