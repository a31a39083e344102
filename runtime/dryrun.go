package s3db

// DryRun is how a behavior would store a document.
type DryRun struct {
	Size      int          // bytes of metadata on the wire, were everything stored there
	Limit     int          // bytes that the store allows
	Excess    int          // Size - Limit; 0 or less when the document fits
	Exceeds   bool         // the event ExceedsLimit would be raised
	Fields    []DraftField // where each attribute would be stored
	Truncated []string     // paths of the strings that would be cut
}

// DryRun says how a behavior would store a document that was read, or nil for the
// behavior that the resource has, so that a program can find the documents at
// risk before it changes the behavior of a resource. The error is the one that a
// write would fail with, such as ErrTooLarge; the result is valid with it. d is
// not changed, and no request is made. Attributes that only a newer program knows
// are not counted.
func (c *Collection[T, ID, I, P]) DryRun(d *T, b Behavior) (DryRun, error) {
	own := *d
	return c.engine.dryRun(&own, b)
}

// dryRun may change d.
func (c *engine) dryRun(d document, b Behavior) (DryRun, error) {
	const op = "dry run"
	id := c.model.id(d)
	if b == nil {
		b = c.model.Behavior
	}
	x := c.encoding(id, decoded{doc: d})
	defer c.codecs.encoders.Put(x.encoder)
	rec := record{format: recordFormat, version: c.version}
	draft, err := newDraft(x, c.db.metadataLimit(), rec.overhead())
	if err != nil {
		return DryRun{}, c.fail(op, id, err)
	}
	run := DryRun{Size: draft.Size(), Limit: draft.Limit(), Excess: draft.Size() - draft.Limit()}
	err = b.Fit(draft)
	if err == nil && !draft.Fits() {
		err = draft.TooLarge()
	}
	_, run.Exceeds = draft.Exceeded()
	run.Fields, run.Truncated = draft.Fields(), draft.Truncated()
	if err != nil {
		return run, c.fail(op, id, err)
	}
	return run, nil
}
