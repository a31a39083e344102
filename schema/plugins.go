package schema

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var pluginPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// plugins reads the list of generator plugins.
func (p *parser) plugins(n *node) {
	if n.kind != sequenceNode {
		p.report(CodeWrongNode, n.span(), "plugins must be a list, this is %s", n.what()).
			help("write plugins: [{name: dictionary, cmd: ./dictionary.sh}]; plugins of the database itself are given in Go when the program opens it")
		return
	}
	named := map[string]span{}
	for _, item := range n.items {
		x := &Plugin{Pos: item.pos, Unbounded: true}
		if item.kind != mappingNode {
			p.report(CodeWrongNode, item.span(), "a plugin must be a mapping, this is %s", item.what()).help("write {name: …, cmd: …}")
			continue
		}
		p.options(item, "a plugin", []option{
			{"name", func(_, v *node) { p.pluginName(v, x, named) }},
			{"cmd", func(_, v *node) { p.pluginCommand(v, x) }},
			{"options", func(_, v *node) { p.pluginOptions(v, x) }},
			{"timeout", func(_, v *node) {
				d, err := time.ParseDuration(v.value)
				if err != nil || d <= 0 {
					p.report(CodeOptionValue, v.span(), "timeout must be a duration above zero, this is %s", v.what()).help("write it as 30s or 2m")
					return
				}
				x.Timeout = d
			}},
			{"reads", func(_, v *node) { p.pluginReads(v, x) }},
		}, map[string]string{"command": "write cmd", "args": "write them behind the program: cmd: [program, argument]", "opt": "write options", "options_": "write options"})
		for _, key := range []string{"name", "cmd"} {
			if _, ok := item.get(key); !ok {
				p.report(CodeMissingKey, span{pos: item.pos}, "the plugin has no %s", key).help("write {name: …, cmd: …}")
			}
		}
		p.schema.Plugins = append(p.schema.Plugins, x)
	}
}

func (p *parser) pluginName(v *node, x *Plugin, named map[string]span) {
	if !p.readText(v, "name", &x.Name) {
		return
	}
	if !pluginPattern.MatchString(x.Name) {
		p.report(CodeOptionValue, v.span(), "%s cannot name a plugin", quote(x.Name)).help("use up to 40 of a-z, 0-9 and -, beginning with a letter")
	}
	if first, ok := named[x.Name]; ok {
		p.report(CodeOptionValue, v.span(), "two plugins are called %s", quote(x.Name)).help("rename one of the two").also(p.src, first, "first named here")
	}
	named[x.Name] = v.span()
}

func (p *parser) pluginCommand(v *node, x *Plugin) {
	items := v.items
	if v.kind != sequenceNode {
		items = []*node{v}
	}
	for _, item := range items {
		var word string
		if !p.readText(item, "cmd", &word) {
			return
		}
		x.Command = append(x.Command, word)
	}
	switch {
	case len(items) == 0 || x.Command[0] == "":
		p.report(CodeOptionValue, v.span(), "cmd names no program").help("write cmd: [program, argument, …]")
	case v.kind != sequenceNode && strings.ContainsRune(x.Command[0], ' '):
		p.report(CodeOptionValue, v.span(), "cmd is one word, as no shell reads it").
			help("write it as a list: cmd: [%s]", strings.Join(strings.Fields(x.Command[0]), ", "))
	}
}

// pluginReads reads what a plugin depends on; an empty list says that it is nothing.
func (p *parser) pluginReads(v *node, x *Plugin) {
	const help = "write reads: [./dictionary, words.txt], with a directory for all that is in it, or reads: [] for nothing but the schema"
	if v.kind != sequenceNode {
		p.report(CodeWrongNode, v.span(), "reads must be a list of files and directories, this is %s", v.what()).help(help)
		return
	}
	x.Unbounded = false
	for _, item := range v.items {
		var file string
		if !p.readText(item, "reads", &file) {
			return
		}
		switch {
		case file == "":
			p.report(CodeOptionValue, item.span(), "reads has an empty path").help(help)
		case path.IsAbs(file) || strings.Contains(file, `\`) || len(file) > 1 && file[1] == ':':
			p.report(CodeOptionValue, item.span(), "the path %s must be relative to the schema, with slashes", quote(file))
		case strings.ContainsAny(file, "*?["):
			p.report(CodeOptionValue, item.span(), "%s is a pattern", quote(file)).help("name the directory: all that is in it counts")
		default:
			x.Reads = append(x.Reads, path.Clean(file))
		}
	}
}

func (p *parser) pluginOptions(v *node, x *Plugin) {
	if v.kind != mappingNode {
		p.report(CodeWrongNode, v.span(), "options must be a mapping, this is %s", v.what())
		return
	}
	x.Options, _ = v.json().(map[string]any)
}

// json returns a tree as JSON has it.
func (n *node) json() any {
	switch n.kind {
	case mappingNode:
		m := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			m[p.key.value] = p.value.json()
		}
		return m
	case sequenceNode:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.json()
		}
		return list
	default:
	}
	switch n.tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.value, "true")
	case "!!int", "!!float":
		if f, err := strconv.ParseFloat(n.value, 64); err == nil {
			return f
		}
	}
	return n.value
}
