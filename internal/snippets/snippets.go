// Package snippets reads the fenced blocks of Markdown pages and checks that they
// do what the page says, so that no page shows what does not work.
//
// How a block is checked depends on the first word after its fence:
//
//	go         is type-checked, and run if its output is shown ([Compiler])
//	sh         is run, line by line, in a directory of the page ([Session])
//	text       is the output of the go or sh block before it
//	anything   is a file of the session, when the paragraph before the block begins
//	           with its name in backticks: `main.go`
//
// and for other words the caller decides. In Go blocks and in outputs "…" stands for
// what is left out: it is removed from code, and matches anything within a line of
// output.
//
// Two HTML comments, which readers of the page do not see, go before a block:
//
//	<!-- given
//	var w io.Writer
//	-->
//
// is code (or commands) that the block builds on and that the page need not show, and
//
//	<!-- unchecked: a drawing -->
//
// takes the block out, for the reason given.
package snippets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Page is a Markdown file with its fenced blocks.
type Page struct {
	Path   string // relative to the root, with slashes
	Text   string
	Blocks []*Block
}

// Block is a fenced block of a page.
type Block struct {
	Page string // the path
	Line int    // of the first line inside the fence, from 1
	// Language and Detail are the two halves of what follows the fence:
	// "yaml" and "attributes".
	Language, Detail string
	Text             string
	File             string // the name that the paragraph before the block begins with, or ""
	Unchecked        string // why it is not checked, or ""
	Given            []Given
	Output           *Block // the text block that shows what this one prints, or nil
	IsOutput         bool   // of a block before it
}

// Given is the text of a comment that a block builds on.
type Given struct {
	Line int
	Text string
}

// Place returns "docs/cli.md:12", the place of the first line inside the fence.
func (b *Block) Place() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Kind returns what follows the fence.
func (b *Block) Kind() string { return strings.TrimSpace(b.Language + " " + b.Detail) }

// Read reads the pages below root that match one of the patterns of
// [filepath.Glob].
func Read(root string, patterns ...string) ([]*Page, error) {
	var pages []*Page
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("no page matches %s", pattern)
		}
		for _, file := range files {
			text, err := os.ReadFile(file) //nolint:gosec // a page of the repository
			if err != nil {
				return nil, err
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				return nil, err
			}
			page, err := Parse(filepath.ToSlash(name), string(text))
			if err != nil {
				return nil, err
			}
			pages = append(pages, page)
		}
	}
	return pages, nil
}

// Section returns the part of the page below a heading, up to the next one of the same
// level or a higher one.
func (p *Page) Section(heading string) (*Page, error) {
	lines := strings.Split(p.Text, "\n")
	level, begins, fenced := 0, 0, false
	for i, line := range append(slices.Clone(lines), "# the end") {
		if fence.MatchString(line) {
			fenced = !fenced
		}
		hashes, title, ok := strings.Cut(line, " ")
		switch n := len(hashes); {
		case fenced || !ok || n == 0 || strings.Trim(hashes, "#") != "":
		case level == 0 && title == heading:
			level, begins = n, i
		case level > 0 && n <= level:
			part := &Page{Path: p.Path, Text: strings.Join(lines[begins:i], "\n")}
			for _, block := range p.Blocks {
				if begins < block.Line && block.Line <= i {
					part.Blocks = append(part.Blocks, block)
				}
			}
			return part, nil
		}
	}
	return nil, fmt.Errorf("%s has no heading %q", p.Path, heading)
}

var (
	fence   = regexp.MustCompile("^( *)```(.*)$")
	comment = regexp.MustCompile(`(?s)^<!-- (given|unchecked:)\s(.*?)\s*-->$`)
	named   = regexp.MustCompile("^`([\\w./-]+\\.\\w+)`")
)

// Parse reads the blocks of a page.
func Parse(path, text string) (*Page, error) {
	page := &Page{Path: path, Text: text}
	var (
		block            *Block // the one that is open
		indent           string
		given            []Given
		unchecked        string
		paragraph, above string // the paragraph that grows, and the one before the blank line
	)
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		m := fence.FindStringSubmatch(line)
		switch {
		case block != nil && m != nil && m[2] == "" && m[1] == indent:
			page.add(block)
			block = nil
		case block != nil:
			block.Text += strings.TrimPrefix(line, indent) + "\n"
		case m != nil:
			block = &Block{Page: path, Line: i + 2, Given: given, Unchecked: unchecked}
			block.Language, block.Detail, _ = strings.Cut(strings.TrimSpace(m[2]), " ")
			if name := named.FindStringSubmatch(above + paragraph); name != nil {
				block.File = name[1]
			}
			indent, given, unchecked, paragraph, above = m[1], nil, "", "", ""
		case strings.HasPrefix(line, "<!-- "):
			start := i
			for !strings.HasSuffix(lines[i], "-->") {
				if i++; i == len(lines) {
					return nil, fmt.Errorf("%s:%d: the comment does not end", path, start+1)
				}
			}
			m := comment.FindStringSubmatch(strings.Join(lines[start:i+1], "\n"))
			switch {
			case m == nil: // not for us
			case m[1] == "given":
				given = append(given, Given{Line: start + 2, Text: m[2] + "\n"})
			default:
				unchecked = m[2]
			}
		case strings.TrimSpace(line) == "":
			if paragraph != "" {
				above, paragraph = paragraph, ""
			}
		default:
			paragraph, above = paragraph+line+"\n", ""
		}
	}
	if block != nil {
		return nil, fmt.Errorf("%s: the block does not end", block.Place())
	}
	if given != nil || unchecked != "" {
		return nil, fmt.Errorf("%s: a comment for a block that does not come", path)
	}
	return page, nil
}

// add adds a block, as the output of the one before it if it is that.
func (p *Page) add(b *Block) {
	if n := len(p.Blocks); b.Language == "text" && b.Unchecked == "" && n > 0 {
		if before := p.Blocks[n-1]; before.Language == "go" || before.Language == "sh" {
			before.Output, b.IsOutput = b, true
		}
	}
	p.Blocks = append(p.Blocks, b)
}

// ErrOutput says that a block printed something else than its page shows.
var ErrOutput = errors.New("the output is not the one shown")

// matches reports whether an output is the one shown, in which "…" matches anything
// within a line.
func matches(shown, got string) bool {
	var pattern strings.Builder
	for i, part := range strings.Split(shown, "…") {
		if i > 0 {
			pattern.WriteString(".*")
		}
		pattern.WriteString(regexp.QuoteMeta(part))
	}
	return regexp.MustCompile("^" + pattern.String() + "$").MatchString(got)
}
