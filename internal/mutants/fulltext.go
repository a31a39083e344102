package main

// fulltextMutants are the safeguards of the index that plugins/fulltext keeps
// (docs/decisions/0054-the-index-is-marks-and-segments.md).
func fulltextMutants() []mutant {
	const (
		marks, compact, manifest, snapshot = "plugins/fulltext/marks.go", "plugins/fulltext/compact.go", "plugins/fulltext/manifest.go", "plugins/fulltext/snapshot.go"
		search                             = "plugins/fulltext/search.go"
	)
	list := []mutant{
		{name: "a mark comes before the commit", file: marks, old: "return w.Put(x.space, x.root+", new: "if w.Base == \"\" {\n\t\treturn nil\n\t}\n\treturn w.Put(x.space, x.root+"},
		{name: "an update that may still commit stays marked", file: marks, old: `case m.base != "" && m.base != s.revision:`, new: `case m.base != "":`},
		{name: "an insert that may still commit stays marked", file: marks, old: `case m.base == "" && s.live && !x.local:`, new: `case m.base == "" && !x.local:`},
		{name: "likewise where deletes leave nothing", file: marks, old: `case m.base == "" && s.live && !x.local:`, new: `case m.base == "" && s.live:`},
		{name: "an hour for a mark", file: marks, old: "now.Sub(m.put) >= settledAfter", new: "now.Sub(m.put) >= 0"},
		{name: "condition of a manifest", file: manifest, old: "condition = s3db.IfMatchETag(from.etag)", new: "condition = s3db.Condition{}"},
		{name: "generation of a manifest", file: manifest, old: "next.Format, next.Generation = manifestFormat, uuid.NewString()", new: "next.Format, next.Generation = manifestFormat, uuid.Nil.String()"},
		{name: "history of manifests", file: manifest, old: "follows = generation == m.Generation || slices.Contains(m.Past, generation)", new: "follows = generation == m.Generation"},
		{name: "a compaction does not beat a rebuild", file: compact, old: `	if m.Rebuild != "" {`, new: `	if false {`, run: "^TestRebuildIsNotBeaten$"},
		{name: "a rebuild is told to others", file: compact, old: "Rebuild: uuid.NewString(), Segments: m.Segments}", new: "Rebuild: uuid.NewString()[:0], Segments: m.Segments}"},
		{name: "documents leave a segment", file: compact, old: "case len(p.leave) > 0:", new: "case false:"},
		{
			name: "garbage is listed before the manifest is read", file: compact,
			old: "	if err := x.space.Delete(ctx, keysOf(next.unnamed(x, stored))...); err != nil {\n",
			new: "	if stored, err = x.list(ctx, segmentsDir); err != nil {\n\t\treturn \"\", err\n\t}\n	if err := x.space.Delete(ctx, keysOf(next.unnamed(x, stored))...); err != nil {\n",
		},
		{name: "marked documents are not taken from segments", file: snapshot, old: "		gone[d.number] = struct{}{}\n", new: "\n"},
		{
			name: "marks are listed before the manifest is read", file: search,
			old: "		m, err := x.index.readManifest(ctx)\n		if err != nil {\n			return nil, err\n		}\n		if err := m.check",
			new: "		m, err := x.index.readManifest(ctx)\n		if err != nil {\n			return nil, err\n		}\n		if marks, err = x.index.marks(ctx); err != nil {\n			return nil, err\n		}\n		if err := m.check",
		},
		{name: "the document decides", file: search, old: "	if !hasEnough(m.counts, fields, s.all) {\n", new: "	if false {\n", run: "^TestHooksGuardHits"},
	}
	for i := range list {
		list[i].name, list[i].pkg = "full text: "+list[i].name, "./plugins/fulltext"
		if list[i].run == "" {
			list[i].run = "^(TestCrash|TestSearchMeanwhile|TestSearchMeanwhileInserted|TestLostReplies|TestRebuildIsNotBeaten|TestInterleavings|TestConcurrentWriters)$"
		}
	}
	return list
}
