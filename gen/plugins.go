package gen

import (
	"context"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/s3dbgen/s3dbgen/gen/gosource"
	"github.com/s3dbgen/s3dbgen/gen/plugin"
	"github.com/s3dbgen/s3dbgen/gen/sources"
	"github.com/s3dbgen/s3dbgen/schema"
)

// processes returns the plugins that a schema names, which run in its directory.
func processes(s *schema.Schema, stderr io.Writer) []*plugin.Process {
	var list []*plugin.Process
	for _, x := range s.Plugins {
		list = append(list, &plugin.Process{
			Plugin: x.Name, Command: x.Command, Options: x.Options, Timeout: x.Timeout, Dir: filepath.Dir(s.File), Stderr: stderr,
		})
	}
	return list
}

// readByPlugins returns what the plugins of a schema depend on beside their requests, as
// far as it says so: their programs, the Go sources of those that "go run" runs, and
// what they read.
func readByPlugins(ctx context.Context, s *schema.Schema) (sources.Set, error) {
	dir, err := filepath.Abs(filepath.Dir(s.File))
	if err != nil {
		return sources.Set{}, err
	}
	var all sources.Set
	for i, process := range processes(s, nil) {
		x := s.Plugins[i]
		if x.Unbounded {
			continue
		}
		program, err := process.Program()
		if err != nil {
			return all, err
		}
		reads := sources.Set{Variables: []string{"PATH"}}
		if filepath.IsAbs(program) {
			reads.Programs = []string{program}
		}
		for _, name := range x.Reads {
			reads.Trees = append(reads.Trees, filepath.Join(dir, filepath.FromSlash(name)))
		}
		all = all.Merge(reads)
		if len(x.Command) > 2 && x.Command[0] == "go" && x.Command[1] == "run" {
			code, err := gosource.Program(ctx, dir, x.Command[2:])
			if err != nil {
				return all, err
			}
			all = all.Merge(code)
		}
	}
	return all, nil
}

// extend lets plugins add files to those of the package. Plugins run one after the
// other, so that what they print is in order.
func extend(ctx context.Context, s *schema.Schema, p *program, files []File, plugins []plugin.Plugin) ([]File, schema.Diagnostics) {
	var found schema.Diagnostics
	taken := map[string]string{manifestName: "the list of files of plugins"} // by the folded name
	for _, f := range files {
		taken[strings.ToLower(f.Name)] = "the generated package"
	}
	pkg := p.describe(s)
	for _, x := range plugins {
		at := place(s, x.Name())
		fail := func(code schema.Code, message, help string) {
			found = append(found, s.Diagnose(code, at, fmt.Sprintf("plugin %s: %s", x.Name(), message), help))
		}
		resp, err := x.Generate(ctx, &plugin.Request{Protocol: plugin.Protocol, Plugin: x.Name(), Package: pkg})
		if err != nil {
			fail(schema.CodePlugin, oneLine(err.Error()), "")
			continue
		}
		for _, problem := range resp.Problems {
			d := s.Diagnose(schema.CodePlugin, locate(s, problem.Path, at), fmt.Sprintf("plugin %s: %s", x.Name(), oneLine(problem.Message)), oneLine(problem.Help))
			if problem.Warning {
				d.Severity = schema.Warning
			}
			found = append(found, d)
		}
		for _, f := range resp.Files {
			if wrong := wrongName(f.Name); wrong != "" {
				fail(schema.CodePluginFile, fmt.Sprintf("file %q %s", f.Name, wrong), "name files as in docs/users.csv, below the directory of the package")
				continue
			}
			folded := strings.ToLower(f.Name)
			if other, ok := taken[folded]; ok {
				fail(schema.CodePluginFile, fmt.Sprintf("file %q is already one of %s", f.Name, other), "give it another name")
				continue
			}
			taken[folded] = "plugin " + x.Name()
			content := f.Data
			if content == nil {
				content = []byte(f.Content)
			}
			files = append(files, File{Name: f.Name, Content: content, Plugin: x.Name()})
		}
	}
	return files, found
}

// oneLine is a text of another program in a message.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// wrongName says why a plugin cannot write a file of this name, "" if it can.
func wrongName(name string) string {
	switch {
	case name == "":
		return "has no name"
	case strings.ContainsAny(name, "\\:") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a character that not every system allows"
	case !filepath.IsLocal(filepath.FromSlash(name)) || path.IsAbs(name):
		return "is not below the directory of the package"
	case path.Clean(name) != name || strings.HasSuffix(name, "/"):
		return "is not written in the shortest way"
	case slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") }):
		return "is hidden"
	}
	return ""
}

// place is where a schema names a plugin; the file for a plugin of a program.
func place(s *schema.Schema, name string) schema.Position {
	for _, x := range s.Plugins {
		if x.Name == name {
			return x.Pos
		}
	}
	return schema.Position{File: s.File}
}

// locate is where a resource or attribute is declared; elsewhere when the path names
// none.
func locate(s *schema.Schema, name string, elsewhere schema.Position) schema.Position {
	resource, rest, deeper := strings.Cut(name, ".")
	for _, r := range s.Resources {
		if r.Name != resource {
			continue
		}
		if !deeper {
			return r.Pos
		}
		if a := attributeAt(r.Attributes, rest); a != nil {
			return a.Pos
		}
	}
	return elsewhere
}

// attributeAt finds an attribute by its path, also in the items of arrays.
func attributeAt(list []*schema.Attribute, name string) *schema.Attribute {
	first, rest, deeper := strings.Cut(name, ".")
	for _, a := range list {
		if a.Name != first {
			continue
		}
		if deeper {
			return attributeAt(innermost(a.Type).Fields, rest)
		}
		return a
	}
	return nil
}

// edits are the changes that plugins make to a schema before it is checked.
func edits(plugins []plugin.Plugin) []schema.Edit {
	var list []schema.Edit
	for _, x := range plugins {
		if e, ok := x.(plugin.Editor); ok {
			list = append(list, schema.Edit{By: "plugin " + x.Name(), Apply: e.Edit})
		}
	}
	return list
}
