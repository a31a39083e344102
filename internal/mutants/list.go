package main

const (
	simTests = "^(TestCrash|TestInsertOver|TestRepair|TestSlow|TestFenced|TestOvertaken|TestMoved|TestModel|TestSchedules)"
	simPkg   = "./internal/sim"

	contentTests = "^TestContent"

	cacheTests   = "."
	cachePkg     = "./plugins/cache"
	versionTests = "^(TestMixedVersions|TestIncompleteIndexes|TestDroppedPartition|TestOlderWritersAreShutOut)$"
	historyTests = "^TestHistory"

	contentionTests = "^(TestContention|TestHandedOnTooLate)$"
)

// mutants are the safeguards of docs/protocol.md, and of readers and repairs.
func mutants() []mutant {
	list := []mutant{
		{name: "condition of the commit", file: "runtime/state.go", old: "return IfMatchETag(s.etag)", new: "return Condition{}"},
		{name: "condition of an insert", file: "runtime/state.go", old: "return IfAbsent()", new: "return Condition{}"},
		{name: "revision in the body", file: "runtime/id.go", old: "nanoid.Generate(idAlphabet, revisionSize)", new: `"0123456789abcdefghijkl", error(nil)`},
		{name: "token of an entry", file: "runtime/index.go", old: "id, mine := w.id, token(rec.rev)", new: `id, mine := w.id, "0123456789a"`},
		{
			name: "entries before the commit", file: "runtime/index.go",
			old: "err = c.db.requests.putUnique(ctx, entries[i].key, entries[i].body, entries[i].metadata)",
			new: "go func() { _ = c.db.requests.putUnique(context.WithoutCancel(ctx), entries[i].key, entries[i].body, entries[i].metadata) }()",
		},
		{
			name: "history of revisions", file: "runtime/commit.go",
			old: "case contains(chain, token(a.rec.rev)):", new: "case false:",
		},
		{name: "revision of IfMatch", file: "runtime/write.go", old: "cur.revision() != w.options.ifMatch {", new: "false {"},
		{
			name: "entries of an unknown outcome stay", file: "runtime/write.go",
			old: "\t\theld.forget(a.changes.claim)\n", new: "\t\theld.forget(a.changes.claim)\n\t\tc.drop(ctx, a)\n",
		},
		{name: "claims of an unknown outcome stay", file: "runtime/write.go", old: "\t\theld.forget(a.changes.claim)\n", new: "\n"},
		{name: "bounded attempt", file: "runtime/write.go", old: "time.Since(a.started) > maxAttempt", new: "false"},
		{
			name: "fence", file: "runtime/claim.go",
			old: "fenced, err := c.fence(ctx, owner)", new: "_, fenced, err := owner, true, error(nil)",
		},
		{name: "fence changes the body", file: "runtime/claim.go", old: "r.fence = token(mark)", new: "_ = mark"},
		{
			name: "claim condition, first", file: "runtime/claim.go",
			old: "\tcond := IfAbsent()\n", new: "\tcond := Condition{}\n",
		},
		{name: "claim condition, taken over", file: "runtime/claim.go", old: "cond = IfMatchETag(obj.ETag)", new: "cond = Condition{}"},
		{
			name: "claim written anew by the next attempt", file: "runtime/claim.go",
			old: "\t\tcond = IfMatchETag(prior.etag)\n", new: "\t\treturn prior, nil\n",
		},
		{
			name: "own claim written anew", file: "runtime/claim.go",
			old: "if cur.ID == id && cur.Token == token {", new: "if cur.ID == id {",
		},
		{name: "inherited claims stay", file: "runtime/claim.go", old: "if !h.inherited {", new: "if h.etag != \"\" {"},
		{
			name: "condition of a release, deleted", file: "runtime/claim.go",
			old: "_, _ = db.requests.deleteIf(ctx, key, IfMatchETag(etag))", new: "_ = db.requests.remove(ctx, []string{key})",
		},
		{
			name: "condition of a release, rewritten", file: "runtime/claim.go",
			old: "_, _, _ = db.requests.putIf(ctx, key, body, nil, IfMatchETag(etag))",
			new: "_, _, _ = db.requests.putIf(ctx, key, body, nil, Condition{})",
		},
		{
			name: "tombstones", file: "runtime/commit.go",
			old: "return c.db.caps.Local && c.db.caps.ConditionalDelete &&", new: "return c.db.caps.ConditionalDelete &&",
		},
		{name: "tombstones of documents that overtook a claim", file: "runtime/index.go", old: "a.rec.fence = token(a.rec.rev)", new: "_ = a"},
		{name: "tombstones of fenced documents", file: "runtime/commit.go", old: ` && s.record.fence == ""`, new: ""},
		{
			name: "old tombstones are held", file: "runtime/commit.go",
			old: "return a.base.record == nil && seen.record != nil && !seen.live() && seen.aged", new: "return false",
		},
		{name: "size of tombstones", file: "runtime/record.go", old: "return size%tombstoneGrain == 0", new: "return false"},
		{
			name: "readers compare an entry with its document", file: "runtime/reading.go",
			old: "err != nil || !here {", new: "err != nil || !here && false {",
		},
		{
			name: "a document that moves is listed once", file: "runtime/reading.go",
			old: "o.seen[hash] = struct{}{}", new: "",
		},
		{
			name: "lookups compare a claim with its document", file: "runtime/lookup.go",
			old: "err != nil || holds != path {", new: "err != nil || holds != path && false {",
		},
		{
			name: "grace of a repair", file: "runtime/fsck.go",
			old: "now.Sub(item.LastModified) >= f.options.Grace", new: "now.Sub(item.LastModified) >= 0",
		},
		{
			name: "age of a claim as read", file: "runtime/fsck.go",
			old: "item.ETag, item.LastModified = obj.ETag, page.ServerTime", new: "item.ETag = obj.ETag",
		},
		{
			name: "condition of removing a tombstone", file: "runtime/fsck.go",
			old: "_, err := f.db.requests.deleteIf(ctx, item.Key, IfMatchETag(item.ETag))",
			new: "err := f.db.requests.remove(ctx, []string{item.Key})",
		},
		{
			name: "condition of a rotation", file: "runtime/rotate.go",
			old: "putIf(ctx, key, body, metadata, s.condition())", new: "putIf(ctx, key, body, metadata, Condition{})",
			run: "Rotat", pkg: "./runtime",
		},
		{
			name: "rotation changes the body", file: "runtime/reseal.go",
			old: "next.fence = token(mark)", new: "_ = mark", run: "Rotat", pkg: "./runtime",
		},
		{
			name: "a secret is bound to its place", file: "runtime/crypt.go",
			old: "parts := [...]string{sealFormatName, s.database, s.resource, s.id, path, keyID}", new: "parts := [...]string{sealFormatName, keyID}",
			run: "Seal|Tampered|Moved", pkg: "./runtime",
		},
		{
			name: "token of a content", file: "runtime/content.go",
			old: "ref := &contentRef{token: token(rev)}", new: `ref := &contentRef{token: token(rev)[:0] + "0123456789a"}`,
		},
		{
			name: "content of an unknown outcome stays", file: "runtime/content.go",
			old: "if d == nil && !w.unknown {", new: "if d == nil {", run: contentTests, pkg: "./runtime",
		},
		{
			name: "old content goes after the commit", file: "runtime/content.go",
			old: "	w.content = &contentChange{ref: ref, uploaded: time.Now()}",
			new: "	if s.record.content != nil {\n		c.removeContent(ctx, contentKey(c.db.prefix, c.model.Resource, id, s.record.content.token))\n	}\n	w.content = &contentChange{ref: ref, uploaded: time.Now()}",
		},
		{
			name: "a late content is not committed", file: "runtime/content.go",
			old: "time.Since(x.uploaded) > maxAttempt", new: "false", run: contentTests, pkg: "./runtime",
		},
		{
			name: "bounded upload", file: "runtime/upload.go",
			old: "case time.Since(u.began) > maxUpload:", new: "case false:", run: contentTests, pkg: "./runtime",
		},
		{
			name: "a day for contents in parts", file: "runtime/fsck_content.go",
			old: "if item.Size > partSize {", new: "if false {", run: contentTests, pkg: "./runtime",
		},
		{
			name: "checksum of a content", file: "runtime/contentreader.go",
			old: "[sha256.Size]byte(c.sum.Sum(nil)) != c.SHA256", new: "[sha256.Size]byte{} == c.SHA256", run: contentTests, pkg: "./runtime",
		},
		{
			name: "secret hash of a claim", file: "runtime/hashedclaim.go",
			old: "mac := hmac.New(sha256.New, key)", new: "mac := hmac.New(sha256.New, nil)", run: "^TestUniqueSecretsCannotBeGuessed", pkg: "./runtime",
		},
		{
			name: "constraints over secrets are hashed", file: "schema/apply.go",
			old: "Hashed: d.typ.Kind == KindSecret,", new: "Hashed: false,", run: "^TestRight", pkg: "./schema",
		},
		{
			name: "no secret in a plain key", file: "runtime/keybuilder.go",
			old: "	if k.secret {", new: "	if false {", run: "^TestSecretKeys", pkg: "./runtime",
		},
		{
			name: "cursors do not tell secrets", file: "runtime/cursor.go",
			old: "hmac.New(sha256.New, c.db.hashKey)", new: "hmac.New(sha256.New, nil)", run: "^TestCursorsDoNotTellSecrets", pkg: "./runtime",
		},
		{
			name: "audit: entries before the commit", file: "plugins/audit/audit.go",
			old: "	return w.Put(p.log.space, x.key(), body)",
			new: "	w.OnOutcome(func(ctx context.Context, _ s3db.Outcome) { _, _ = p.log.space.Put(ctx, x.key(), body, s3db.Condition{}) })\n	return nil",
			run: "^TestCrash", pkg: "./plugins/audit",
		},
		{
			name: "audit: entries under way are told", file: "plugins/audit/session.go",
			old: "Open: sorted(s.open), Refused", new: "Open: nil, Refused", run: "^TestUnderWay", pkg: "./plugins/audit",
		},
		{
			name: "audit: refused entries are told", file: "plugins/audit/session.go",
			old: "		s.unstated[x.Number] = x.Prev\n", new: "\n", run: "^TestRefusedWrites", pkg: "./plugins/audit",
		},
		{
			name: "audit: links over holes", file: "plugins/audit/verify.go",
			old: "			next = c.void[n]\n", new: "			next = \"\"\n", run: "^TestRefusedWrites", pkg: "./plugins/audit",
		},
		{
			name: "audit: what expired is told before it goes", file: "plugins/audit/sweep.go",
			old: "err := l.raise(ctx, session, ends[session].number, ends[session].key, before)", new: "err := ctx.Err()", run: "^TestSweep", pkg: "./plugins/audit",
		},
		{
			name: "audit: names of entries", file: "plugins/audit/entry.go",
			old: "case e.key() != key:", new: "case false:", run: "^TestTampering", pkg: "./plugins/audit",
		},
		{
			name: "audit: sessions know each other", file: "plugins/audit/session.go",
			old: "Started: s.started, After: after}", new: "Started: s.started, After: after[:0]}", run: "^TestTampering", pkg: "./plugins/audit",
		},
		{
			name: "audit: heads", file: "plugins/audit/session.go",
			old: "if s.number-s.headed < headEvery {", new: "if true {", run: "^TestHeads", pkg: "./plugins/audit",
		},
		{
			name: "end of a value in a key", file: "runtime/key.go",
			old: "return append(b, keyEnd), hashed", new: "return b, hashed", run: "Key|Entry|Segment", pkg: "./runtime",
		},
		{
			name: "overtaken reads of the cache", file: "plugins/cache/fence.go",
			old: "f.overtaken.Store(true)\n\t\t\t\tdelete(s.flights, f)", new: "delete(s.flights, f)", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "reads of the cache during a write", file: "plugins/cache/fence.go",
			old: "} else if w.concerns(scope, r) {", new: "} else if false {", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "late writes and the cache", file: "plugins/cache/fence.go",
			old: "if o == s3db.OutcomeUnknown {", new: "if false {", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "a write clears the cache", file: "plugins/cache/fence.go",
			old: "if e.read.ChangedBy(w.Before, w.After) {", new: "if false {", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "what a document was, for the cache", file: "runtime/onread.go",
			old: "return was || is", new: "return is", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "observers of refused writes", file: "runtime/plugin.go",
			old: "f.value(ctx, p); err != nil {\n\t\t\ta.settled(ctx, OutcomeRefused)", new: "f.value(ctx, p); err != nil {", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "place of a shared result", file: "plugins/cache/shared.go",
			old: "cond = s3db.IfMatchETag(e.etag)", new: "cond = s3db.Condition{}", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "writers clear shared results", file: "plugins/cache/cache.go",
			old: "p.shared.clear(context.WithoutCancel(ctx), w.Resource, pending.scopes)", new: "_ = ctx", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "stamp of a verified result", file: "plugins/cache/verify.go",
			old: "kept.stamp == stamp", new: "kept.stamp != \"\"", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "verified reads are not shared", file: "plugins/cache/cache.go",
			old: "!r.Stream && !p.options.Verify)", new: "!r.Stream)", run: cacheTests, pkg: cachePkg,
		},
		{
			name: "an entry that an older program could not keep up is not trusted", file: "runtime/version.go",
			old: "return version == v.version || v.same[version][index]", new: "return true", run: versionTests, pkg: "./runtime",
		},
		{
			name: "an incomplete index is scanned", file: "runtime/version.go",
			old: "if version >= v.oldest && !v.trusts(version, index) {", new: "if version < 0 {", run: versionTests, pkg: "./runtime",
		},
		{
			name: "writers of older versions are shut out", file: "runtime/version.go",
			old: "case v.writers > c.version:", new: "case false:", run: versionTests, pkg: "./runtime",
		},
		{
			name: "what a newer version stores in another way is not written over", file: "runtime/version.go",
			old: "case s.live() && s.record.least > c.version:", new: "case false:", run: "^(TestOldClient|TestFrozenClient)$", pkg: "./gen/goldentest",
		},
		{
			name: "a migration counts when the last older write has arrived", file: "runtime/migrate.go",
			old: "!r.Started.Before(r.Closed.Add(minGrace))", new: "true", run: versionTests, pkg: "./runtime",
		},
		{
			name: "the registry is read again", file: "runtime/version.go",
			old: "	if time.Since(view.read) < registryLife {\n		return view.resources[resource], nil\n	}\n	select", new: "	if true {\n		return view.resources[resource], nil\n	}\n	select",
			run: versionTests, pkg: "./runtime",
		},
		{
			name: "no migration without the functions that it takes", file: "runtime/migrate.go",
			old: "len(lacking) > 0 && !o.DryRun", new: "false", run: "^TestDynamic", pkg: "./gen/goldentest",
		},
		{
			name: "a document that takes a function is no document without it", file: "runtime/steps.go",
			old: "s.Migrate = func(*Decoder, *Encoder) error { return ErrNeedsProgram }", new: "_ = ErrNeedsProgram", run: "^TestDynamic", pkg: "./gen/goldentest",
		},
		{
			name: "a state is kept before the commit", file: "runtime/history.go",
			old: "	a.changes.put = append(a.changes.put, objectPut{", new: "	_ = append(a.changes.put, objectPut{", run: historyTests, pkg: "./gen/goldentest",
		},
		{
			name: "token of a kept state", file: "runtime/history.go",
			old: "	mine := token(a.rec.rev)\n", new: "	mine := token(cur.record.rev)\n", run: historyTests, pkg: "./gen/goldentest",
		},
		{
			name: "kept states go with the document", file: "runtime/write.go",
			old: "	c.dropHistory(w.id, cur, a)\n", new: "", run: historyTests, pkg: "./gen/goldentest",
		},
		{
			name: "kept states are rotated", file: "runtime/rotate.go",
			old: "if len(reg.Resources[name].Versions) > 1 {", new: "if false {", run: historyTests, pkg: "./gen/goldentest",
		},
		{name: "a state that was handed on decides nothing", file: "runtime/write.go", old: "if err != nil && (handed || fresh", new: "if err != nil && (fresh", run: contentionTests, pkg: "./runtime"},
		{name: "each related document once", file: "runtime/relation.go", old: "at, seen := places[id]", new: "at, seen := 0, false", run: "^TestLoad", pkg: "./runtime"},
		{name: "a sweep spares who lives", file: "runtime/expiry.go", old: "			return errNotDue\n		}\n		return nil", new: "			return nil\n		}\n		return nil", run: "^TestSweep", pkg: "./runtime"},
		{name: "kept states go with their document", file: "runtime/write.go", old: "	c.dropHistory(w.id, cur, a)\n", new: "	_ = c.dropHistory\n", run: "^TestHistoryExpires$", pkg: "./runtime"},
		{name: "what has expired has no history", file: "runtime/history.go", old: "s, err := c.readPresent(ctx, id)", new: "s, err := c.read(ctx, id)", run: "^TestHistoryExpires$", pkg: "./runtime"},
		{name: "what has expired is not served from memory", file: "plugins/cache/memory.go", old: " || !r.Holds(e.until)", new: "", run: "^TestExpired", pkg: cachePkg},
		{name: "what has expired is not served from what processes share", file: "plugins/cache/shared.go", old: " && r.Holds(e.until)", new: "", run: "^TestExpired", pkg: cachePkg},
		{name: "a unique value of what has expired is free", file: "runtime/claim.go", old: "case !c.expired(d.doc):", new: "case true:", run: "^TestExpired$", pkg: "./runtime"},
		{name: "keys of lookups follow the rules", file: "runtime/rules.go", old: "k.String(r.stored(s))", new: "k.String(s)", run: "^TestLookupsAsGiven$", pkg: "./example"},
		{name: "values of queries follow the rules", file: "runtime/attribute.go", old: "	if a.kind.stored == nil {\n", new: "	if true {\n", run: "^TestLookupsAsGiven$", pkg: "./example"},
		{name: "a result in the cache ends with its documents", file: "runtime/lifetime.go", old: "return until.IsZero() || until.After(r.engine.db.now())", new: "return true", run: "^TestExpiredAreNotServed$", pkg: cachePkg},
		{name: "condition of a block", file: "runtime/sequence.go", old: "		s.etag = \"\"\n", new: "		s.etag, cond = \"\", Condition{}\n", run: "^TestSequence", pkg: "./runtime"},
		{name: "a sequence never goes back", file: "runtime/sequence.go", old: "		end = max(next, to)\n", new: "		end = to\n", run: "^TestSequence", pkg: "./runtime"},
		{name: "numbers below a raise are given up", file: "runtime/sequence.go", old: "		s.from = min(max(s.from, to), s.end)\n", new: "", run: "^TestSequence", pkg: "./runtime"},
		{name: "a block in doubt is nobody's", file: "runtime/sequence.go", old: "		etag, _, err := s.db.requests.putIf(ctx, s.key, body, nil, cond)", new: "		etag, maybe, err := s.db.requests.putIf(ctx, s.key, body, nil, cond)\n		if maybe {\n			err = nil\n		}", run: "^TestSequence", pkg: "./runtime"},
		{name: "sums beyond the type", file: "runtime/add.go", old: "if sum := *p + n; (sum >= *p) == (n >= 0) {", new: "if sum := *p + n; true {", run: "^TestAdd$", pkg: "./runtime"},
	}
	list = append(list, fulltextMutants()...)
	list = append(list, replicatorMutants()...)
	list = append(list, driverMutants()...)
	list = append(list, generatorMutants()...)
	list = append(list, goTypeMutants()...)
	for i := range list {
		if list[i].run == "" {
			list[i].run, list[i].pkg = simTests, simPkg
		}
	}
	return list
}
