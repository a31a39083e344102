package s3db

import (
	"sync"
)

// decoded is a document with the fields of it that this program does not know
// and writes back as they are.
type decoded struct {
	doc     document
	unknown unknownFields
}

// codecs keeps encoders and decoders, with their buffers, for the next document.
type codecs struct{ encoders, decoders sync.Pool }

func (p *codecs) encoder(s sealer) *Encoder {
	if e, ok := p.encoders.Get().(*Encoder); ok {
		e.reset(s)
		return e
	}
	return newEncoder(s)
}

func (p *codecs) decoder(r *record, s sealer) *Decoder {
	d, ok := p.decoders.Get().(*Decoder)
	if !ok {
		d = &Decoder{}
	}
	d.reset(r, s)
	return d
}

func (c *engine) decode(id string, s state) (decoded, error) {
	d := c.model.make()
	rec, seal := s.record, c.sealer(id)
	if rec.version != c.version && len(c.model.Steps) > 0 {
		var err error
		if rec, err = c.upgrade(rec, c.seen().lockVersion(rec.version, c.model.Version), seal); err != nil {
			return decoded{}, err
		}
	}
	dec := c.codecs.decoder(rec, seal)
	defer c.codecs.decoders.Put(dec)
	c.model.Decode(dec, d)
	if err := dec.Err(); err != nil {
		return decoded{}, c.outdated(rec.version, err)
	}
	c.describe(d, id, s)
	return decoded{doc: d, unknown: dec.unknown()}, nil
}

// sealer encrypts the secrets of one document; nil for a resource without any.
func (c *engine) sealer(id string) sealer {
	if !c.model.Secrets {
		return nil
	}
	return c.db.sealer(c.model.Resource, id)
}

// encoding is a document being encoded: the source of a [Draft].
type encoding struct {
	decoded
	encoder *Encoder
	sealer  sealer
	write   func(*Encoder, document)
	texts   func(*Texts, document)
	names   []string
}

func (x *encoding) encode() ([]field, error) {
	x.encoder.reset(x.sealer)
	x.encoder.preserve(x.unknown)
	x.write(x.encoder, x.doc)
	if err := x.encoder.Err(); err != nil {
		return nil, err
	}
	return x.encoder.fields(), nil
}

func (x *encoding) offer(t *Texts) {
	if x.texts != nil {
		x.texts(t, x.doc)
	}
}

func (x *encoding) name(number int) string { return attributeName(x.names, number) }

// encoding prepares a document for its draft. The caller gives the encoder back
// when it needs the draft no more.
func (c *engine) encoding(id string, d decoded) *encoding {
	s := c.sealer(id)
	return &encoding{
		decoded: d, encoder: c.codecs.encoder(s), sealer: s,
		write: c.model.Encode, texts: c.model.Texts, names: c.model.Names,
	}
}

// fit encodes the document into rec, as the behavior places its attributes. It
// returns the event to raise when the document is written, or nil.
func (c *engine) fit(w *write, rec *record, d decoded) (*Oversize, error) {
	x := c.encoding(w.id, d)
	defer c.codecs.encoders.Put(x.encoder)
	draft, err := newDraft(x, c.db.metadataLimit(), rec.overhead())
	if err != nil {
		return nil, err
	}
	if err := c.model.Behavior.Fit(draft); err != nil {
		return nil, err
	}
	if !draft.Fits() {
		return nil, draft.TooLarge()
	}
	for i, f := range draft.fields {
		if draft.inBody[i] {
			rec.body = append(rec.body, f)
		} else {
			rec.meta = append(rec.meta, f)
		}
	}
	if draft.exceeded == 0 {
		return nil, nil //nolint:nilnil // most documents fit, and that is no event
	}
	return &Oversize{
		Operation: w.op, ID: w.id, TotalSize: draft.exceeded, Limit: draft.limit,
		Excess: draft.exceeded - draft.limit, Truncated: draft.truncated,
	}, nil
}
