package main

// driverMutants are the safeguards of the targets of replication.
func driverMutants() []mutant {
	at := func(driver string, list ...mutant) []mutant {
		for i := range list {
			m := &list[i]
			m.name, m.file = driver+": "+m.name, "plugins/replicator/"+driver+"/"+m.file
			m.run, m.pkg = "^Test", "./plugins/replicator/"+driver
		}
		return list
	}
	var all []mutant
	all = append(all, at("postgres",
		mutant{
			name: "a row keeps the larger position", file: "table.go",
			old: `"WHERE excluded." + quoted(columnSeq) + " > t." + quoted(columnSeq)`, new: `"WHERE true"`,
		},
		mutant{name: "a checkpoint goes never back", file: "prepare.go", old: "greatest(t.seq, excluded.seq)", new: "excluded.seq"},
		mutant{name: "a checkpoint stays before what was refused", file: "apply.go", old: "end = min(end, refused[0].Index)", new: "_ = refused"},
		mutant{name: "a snapshot moves no checkpoint", file: "apply.go", old: "if !c.Snapshot && !c.Again && seq", new: "if !c.Again && seq"},
		mutant{name: "what is applied again moves no checkpoint", file: "apply.go", old: "if !c.Snapshot && !c.Again && seq", new: "if !c.Snapshot && seq"},
		mutant{name: "values of refused rows are not told", file: "apply.go", old: "ReplaceAllString(reason, \"\")", new: "FindString(reason) + reason"},
	)...)
	all = append(all, at("sqs",
		mutant{name: "one message of a document at a time", file: "apply.go", old: "if taken[place{p.to, p.group}] {", new: "if taken[place{}] {"},
		mutant{
			name: "repetitions have one name", file: "message.go",
			old: "hash(group, string(c.Revision)),", new: "hash(group, string(c.Revision), time.Now().String()),",
		},
		mutant{name: "a reply tells of every message", file: "apply.go", old: "if told < len(batch) {", new: "if told < 0 {"},
		mutant{name: "later changes wait behind a refused one", file: "apply.go", old: "if len(to) == 0 || s.refused.Skip(i) {", new: "if len(to) == 0 {"},
	)...)
	all = append(all, at("webhook",
		mutant{name: "the time is signed", file: "signature.go", old: `id + "." + timestamp + "."`, new: `id + "." + timestamp[:0] + "."`},
		mutant{name: "old requests are refused", file: "signature.go", old: "age > tolerance || age < -tolerance", new: "age < -tolerance"},
		mutant{name: "requests of the future are refused", file: "signature.go", old: "age > tolerance || age < -tolerance", new: "age > tolerance"},
		mutant{name: "a wrong configuration rejects no change", file: "deliver.go", old: "		return wrong\n	}\n	switch {", new: "		return refused\n	}\n	switch {"},
		mutant{name: "a request that may succeed later is sent again", file: "deliver.go", old: "classOf(e.status) != passing ||", new: "true ||"},
	)...)
	all = append(all, at("bigquery",
		mutant{name: "a row keeps the larger position", file: "apply.go", old: "WHEN MATCHED AND S.%s > T.%s THEN", new: "WHEN MATCHED AND S.%s < T.%s THEN"},
		mutant{
			name: "a job that was sent twice runs once", file: "apply.go",
			old: `nameOf("append", append(p.identity(w), rows)...)`, new: `nameOf("append", append(p.identity(w), strconv.AppendUint(nil, rand.Uint64(), 10))...)`,
		},
	)...)
	return append(all, at("s3db",
		mutant{name: "a document keeps the larger position", file: "position.go", old: "		return errOlder\n", new: "\n"},
		mutant{
			name: "the position of a delete", file: "position.go",
			old: "	case w.Operation == \"delete\":\n		if err := o.putGone(ctx, a.change); err != nil {", new: "	case w.Operation == \"delete\":\n		if err := ctx.Err(); err != nil {",
		},
		mutant{name: "the position of a delete only grows", file: "position.go", old: "if at.Seq.Compare(c.Seq) >= 0 {", new: "if at.Seq.Compare(c.Seq) > 0 && at.Seq.IsZero() {"},
		mutant{name: "what only an insert sets", file: "position.go", old: "case live && !a.resource.SameImmutable(after, *a.input):", new: "case live && after == nil:"},
		mutant{name: "a change is written as its version does", file: "version.go", old: "case v.number == r.Version:", new: "case v.number >= 0:"},
		mutant{name: "a document of another version makes room", file: "apply.go", old: "errors.Is(err, errRenewed) || isOfAnotherVersion(err):", new: "errors.Is(err, errRenewed):"},
		mutant{name: "a migrated copy keeps its documents", file: "apply.go", old: "if err := s.copy.writable(ctx, c.Resource); err != nil {", new: "if err := ctx.Err(); err != nil {"},
		mutant{name: "unique values change hands", file: "apply.go", old: "&& !b.target.waits.tooLong(key):", new: "&& b == nil:"},
	)...)
}
