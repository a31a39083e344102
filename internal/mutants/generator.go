package main

// generatorMutants are safeguards of generate and watch: what an earlier run found is
// used only while nothing has changed on which it depends.
func generatorMutants() []mutant {
	const (
		depends = "^TestDependencies$"
		scripts = "^TestScripts$/^plugins$"
		watch   = "^TestWatchFollows(Types|Plugins)$"
		goPkg   = "./gen/gosource"
		command = "./cmd/s3dbgen"
	)
	return []mutant{
		{name: "workspace elsewhere", file: "gen/gosource/depends.go", old: "filepath.IsAbs(work)", new: "false", run: depends, pkg: goPkg},
		{name: "settings elsewhere", file: "gen/gosource/depends.go", old: "filepath.IsAbs(env)", new: "false", run: depends, pkg: goPkg},
		{name: "modules of dependencies", file: "gen/gosource/depends.go", old: "if m := x.Module; m != nil && m.GoMod != \"\" {", new: "if m := x.Module; m == nil {", run: depends, pkg: goPkg},
		{name: "embedded files", file: "gen/gosource/depends.go", old: "x.EmbedFiles...", new: "x.EmbedFiles[:0]...", run: depends, pkg: goPkg},
		{name: "imported packages", file: "gen/gosource/depends.go", old: "if inCache(x, set[\"GOROOT\"]) {", new: "if len(x.Imports) == 0 {", run: depends, pkg: goPkg},
		{name: "plugins that may read anything", file: "cmd/s3dbgen/generate.go", old: "if !p.unbounded && ", new: "if ", run: scripts, pkg: command},
		{name: "files of plugins", file: "gen/fingerprint.go", old: "extra.names()", new: "extra.names()[:0]", run: scripts, pkg: command},
		{name: "what plugins read", file: "gen/plugins.go", old: "range x.Reads", new: "range x.Reads[:0]", run: scripts, pkg: command},
		{name: "Go sources of plugins", file: "gen/plugins.go", old: `x.Command[0] == "go"`, new: "false", run: scripts, pkg: command},
		{name: "watched sources", file: "cmd/s3dbgen/watchfiles.go", old: "|| w.sources.Covers(path)", new: "", run: watch, pkg: command},
		{
			name: "what is watched comes after what it is read from", file: "cmd/s3dbgen/watch.go",
			old: "p.sources.Equal(w.sources)", new: "len(w.last) > 0", run: watch, pkg: command,
		},
	}
}
