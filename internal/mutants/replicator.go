package main

// replicatorMutants are the safeguards of the replicator (docs/replication.md, "How it
// works").
func replicatorMutants() []mutant {
	const (
		outbox, judge, settle   = "plugins/replicator/outbox.go", "plugins/replicator/judge.go", "plugins/replicator/settle.go"
		memory, follow, segment = "plugins/replicator/memory.go", "plugins/replicator/follow.go", "plugins/replicator/segment.go"
		letter, snap            = "plugins/replicator/letter.go", "plugins/replicator/snapshot.go"

		snapshotTests = "^TestSnapshotCrashes$"

		letterTests = "^(TestReplication|TestReplayCrashes)$"
	)
	list := []mutant{
		{name: "an intent comes before the commit", file: outbox, old: "if err := g.Put(o.space, key, body); err != nil {", new: "if first.Action == Update {\n\t\t\treturn nil\n\t\t}\n\t\tif err := g.Put(o.space, key, body); err != nil {"},
		{name: "an image has the attributes of its version", file: "plugins/replicator/image.go", old: "return r.AsStored(i)", new: "return r.Stored().Decode(i)", pkg: "./plugins/replicator", run: "^TestEvolution$"},
		{name: "versions that came later are learnt", file: "plugins/replicator/image.go", old: "if errors.Is(err, s3db.ErrNotFound) {", new: "if false && errors.Is(err, s3db.ErrNotFound) {", pkg: "./plugins/replicator", run: "^TestEvolution$"},
		{name: "a target is told of a newer schema", file: follow, old: "if !newer(f.prepared) {", new: "if true || !newer(f.prepared) {", pkg: "./plugins/replicator/s3db", run: "^TestEvolution$"},
		{name: "a snapshot does not begin before the log is kept", file: snap, old: "if !rec.value.Snapshot.Marked {", new: "if rec.value.Snapshot.Heads == nil {", pkg: simPkg, run: snapshotTests},
		{name: "the log is kept behind a snapshot", file: snap, old: "\t\t\t\t*c = end\n", new: "", pkg: simPkg, run: snapshotTests},
		{name: "a snapshot that stood still begins anew", file: snap, old: "\tif since(began) >= headLife {", new: "\tif false && since(began) >= headLife {", pkg: simPkg, run: snapshotTests},
		{name: "heads are noted before documents are read", file: snap, old: "ends[shard] = head, checkpoint{Seq: EndOf(head)}", new: "ends[shard] = head+1, checkpoint{Seq: EndOf(head+1)}", pkg: simPkg, run: snapshotTests},
		{name: "progress of a snapshot is under a condition", file: "plugins/replicator/record.go", old: "cond = s3db.IfMatchETag(k.etag)", new: "cond = s3db.Condition{}", pkg: simPkg, run: snapshotTests},
		{name: "a lease that another one holds is left", file: "plugins/replicator/lease.go", old: "case h.Holder != l.holder && l.now().Before(h.Until):", new: "case false:", pkg: "./plugins/replicator", run: "^TestCrashedProcess$"},
		{name: "letters are known after a crash", file: letter, old: "\t\t\tparked[hash] = true\n", new: "\t\t\t_ = hash\n", pkg: simPkg, run: letterTests},
		{name: "later changes wait behind a letter", file: letter, old: "\tl.parked[hash] = true\n", new: "", pkg: simPkg, run: letterTests},
		{name: "a letter that is rejected again stays", file: follow, old: "\t\t\tdone = done[:r.Index]\n", new: "", pkg: simPkg, run: letterTests},
		{name: "later letters wait behind one that is rejected again", file: follow, old: "\t\t\tdone = done[:r.Index]\n\t\t\tf.refused.documents[list[0].document()] = true\n", new: "\t\t\tdone = done[:r.Index]\n", pkg: simPkg, run: letterTests},
		{name: "letters come before the checkpoint", file: follow, old: "\t\t\tif err := f.reject(ctx, c, r.Reason, r.Held); err != nil {\n\t\t\t\treturn nil, err", new: "\t\t\tif err := f.reject(ctx, c, r.Reason, r.Held); err != nil && false {\n\t\t\t\treturn nil, err", pkg: simPkg, run: letterTests},
		{name: "a letter goes when the target has the change", file: follow, old: "\trejected, err := f.send(ctx, changes)\n\tif err != nil {\n\t\tif ctx.Err() != nil {\n\t\t\treturn ctx.Err()", new: "\tif err := f.letters.remove(ctx, list); err != nil {\n\t\treturn err\n\t}\n\trejected, err := f.send(ctx, changes)\n\tif err != nil {\n\t\tif ctx.Err() != nil {\n\t\t\treturn ctx.Err()", pkg: simPkg, run: letterTests},
		{name: "a change is put aside once", file: follow, old: "case Skip:\n\t\treturn f.letters.have(ctx, c)", new: "case Skip:\n\t\treturn false, nil", pkg: "./plugins/replicator", run: "^TestTakingTurns$"},
		{name: "what a snapshot has put aside is left there", file: follow, old: "if c.Seq == EndOf(c.Seq.Segment) {", new: "if f.letters.parked = map[string]bool{}; c.Seq == EndOf(c.Seq.Segment) {", pkg: "./plugins/replicator", run: "^TestSnapshotBreaks$"},
		{name: "what succeeds does not hide what fails", file: follow, old: "\tf.failures = 0\n\tfor _, r := range rejected {\n\t\tif r.Index < 0 ||", new: "\tf.failures, f.stuck = 0, stuck{}\n\tfor _, r := range rejected {\n\t\tif r.Index < 0 ||", pkg: "./plugins/replicator", run: "^TestSnapshotBreaks$"},
		{name: "differences are told in order", file: "plugins/replicator/reconcile.go", old: "diffs[i], err =", new: "diffs[len(list)-1-i], err =", pkg: "./plugins/replicator", run: "^TestReconcileOrder$"},
		{name: "a letter is put once", file: follow, old: "if err == nil && waits && !done {", new: "if err == nil && waits && (!done || true) {", pkg: "./plugins/replicator", run: "^TestLettersOnce$"},
		{name: "a letter that is sent in vain is left", file: follow, old: "f.refused.documents[list[0].document()] = true\n\t\t\treturn nil", new: "return err", pkg: "./plugins/replicator", run: "^TestReplayInVain$"},
		{name: "a gap is told", file: follow, old: "f.failed(ctx, fmt.Errorf(\"%w: it has come", new: "errors.Unwrap(fmt.Errorf(\"%w: it has come", pkg: "./plugins/replicator", run: "^TestGap$"},
		{name: "the checkpoint of a target counts", file: follow, old: "if own.Compare(from) > 0 {", new: "if false && own.Compare(from) > 0 {", pkg: "./plugins/replicator", run: "^TestCheckpointer$"},
		{name: "number of a segment", file: settle, old: "body, s3db.IfAbsent())", new: "body, s3db.Condition{})"},
		{name: "what was settled is remembered", file: memory, old: "return m.known[lastPart(key)] }", new: "return false && m.known[lastPart(key)] }"},
		{name: "the log is recalled", file: memory, old: "\tfor len(m.before) > 0 && !m", new: "\tfor false && !m"},
		{name: "intents are listed again", file: settle, old: "if len(doubtful) == 0 {", new: "if true || len(doubtful) == 0 {"},
		{name: "what may be in flight stays", file: judge, old: "if !x.old {", new: "if false {"},
		{name: "the base of an intent was committed", file: judge, old: "j.writes(x.Revision) >= 0 || j.followed[x.Revision]", new: "j.writes(x.Revision) >= 0", pkg: "./plugins/replicator", run: "^TestJudge$"},
		{name: "late writes tell of others", file: judge, old: "j.followed[x.Base], more = true, true", new: "more = false", pkg: "./plugins/replicator", run: "^TestJudge$"},
		{name: "deletes that leave nothing", file: judge, old: "\tsettled := j.live &&", new: "\tif !j.live {\n\t\treturn\n\t}\n\tsettled := j.live &&", pkg: "./plugins/replicator", run: "^(TestJudge|TestChanges)$"},
		{name: "writes that may be in flight are carried", file: settle, old: "seg.Carried = append(seg.Carried, open...)", new: "_ = open", pkg: "./plugins/replicator", run: "^TestCarried$"},
		{name: "an old head is found anew", file: settle, old: "\tif since(s.foundAt) >= headLife {\n\t\ts.head = nil\n\t\treturn errBehind", new: "\tif false {\n\t\ts.head = nil\n\t\treturn errBehind", pkg: "./plugins/replicator", run: "^TestStalledSettler$"},
		{name: "the head stays", file: segment, old: "range list[:len(list)-1] {", new: "range list {", pkg: "./plugins/replicator", run: "^TestCollect$"},
		{name: "an hour for segments", file: segment, old: "now.Sub(x.at) >= retention", new: "now.Sub(x.at) >= 0", pkg: "./plugins/replicator", run: "^TestCollect$"},
		{name: "segments stay for the slowest target", file: segment, old: "x.number <= passed &&", new: "", pkg: "./plugins/replicator", run: "^TestCollect$"},
		{name: "parked documents keep their order", file: follow, old: "return waits, err", new: "return false, err", pkg: "./plugins/replicator", run: "^TestPoison$"},
		{name: "a target that is down is not a document's fault", file: follow, old: "return f.options.Target.Test(ctx) == nil", new: "return true || f.options.Target.Test(ctx) == nil", pkg: "./plugins/replicator", run: "^TestDown$"},
		{name: "a checkpoint comes after the changes", file: follow, old: "if err := f.applyAll(ctx, changes); err != nil {", new: "if err := f.applyAll(ctx, changes); err != nil && false {", pkg: "./plugins/replicator", run: "^TestDown$"},
	}
	for i := range list {
		list[i].name = "replicator: " + list[i].name
		if list[i].pkg == "" {
			list[i].pkg, list[i].run = simPkg, "^TestReplication$"
		}
	}
	return list
}
