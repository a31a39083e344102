package schema

import (
	"regexp"
	"slices"
	"strconv"
	"time"
)

// TTL says when documents of a resource expire: For after the time that After names.
type TTL struct {
	Pos       Position
	After     string        // createdAt, updatedAt, or the name of an attribute
	Attribute *Attribute    // of After; nil for createdAt and updatedAt
	For       time.Duration // 0 only with an attribute
}

// The system times from which on a document may live.
const (
	afterCreated = "createdAt"
	afterUpdated = "updatedAt"
)

// expiryIndex is the partition that the runtime keeps for a resource with ttl.
const (
	expiryIndex = "byExpiry"
	expiryPath  = "_expires"
)

// Every is the grain of the expiry index: documents are found in it at the end of the
// stretch of this length in which they expire. It is about a 24th of their life.
func (t *TTL) Every() time.Duration {
	const day = 24 * time.Hour
	switch {
	case t.For == 0: // nobody knows
		return time.Hour
	case t.For >= 24*day:
		return day
	case t.For >= day:
		return time.Hour
	}
	return time.Minute
}

// ttl reads the option ttl: 30d, or {after: expiresAt, for: 1h}.
func (p *parser) ttl(r *Resource, key, n *node) {
	if n == nil {
		return
	}
	t := &TTL{Pos: key.span().pos, After: afterCreated}
	const help = "write ttl: 30d for 30 days after creation, or ttl: {after: expiresAt}"
	var after, length *node
	switch {
	case n.isText():
		length = n
	case n.kind == mappingNode:
		p.options(n, "ttl", []option{
			{"after", func(_, v *node) { after = v }},
			{"for", func(_, v *node) { length = v }},
		}, map[string]string{"field": "write after", "at": "write after", "from": "write after", "ttl": "write for", "duration": "write for"})
	default:
		p.report(CodeWrongNode, n.span(), "ttl must be a duration or a mapping, this is %s", n.what()).help(help)
		return
	}
	if after != nil && !p.after(r, t, after) {
		return
	}
	switch {
	case length != nil && !p.lifetime(length, &t.For):
		return
	case length == nil && t.Attribute == nil:
		p.report(CodeMissingKey, key.span(), "ttl does not say how long documents live").help(help)
		return
	}
	if i := slices.IndexFunc(r.Partitions, func(x *Index) bool { return x.Name == expiryIndex }); i >= 0 {
		at := r.Partitions[i].Pos
		p.report(CodeIndexDuplicate, span{at, p.src.wordEnd(at)}, "partition %s is kept for ttl", quote(expiryIndex)).help("rename it")
		return
	}
	r.TTL = t
}

// after finds the time from which on a document lives.
func (p *parser) after(r *Resource, t *TTL, n *node) bool {
	if !p.readText(n, "after", &t.After) {
		return false
	}
	i := slices.IndexFunc(r.Attributes, func(a *Attribute) bool { return a.Name == t.After })
	switch {
	case i >= 0:
		t.Attribute = r.Attributes[i]
		if kind := t.Attribute.Type.Kind; kind != KindDateTime {
			if kind != "" {
				p.report(CodeTTLAfter, n.span(), "attribute %s is %s, not an instant", quote(t.After), article(string(kind))).
					help("write %s: datetime", t.After).also(p.src, span{t.Attribute.Pos, p.src.wordEnd(t.Attribute.Pos)}, "the attribute is here")
			}
			return false
		}
		return true
	case t.After == afterCreated || t.After == afterUpdated:
		return true
	}
	names := []string{afterCreated, afterUpdated}
	for _, a := range r.Attributes {
		if a.Type.Kind == KindDateTime {
			names = append(names, a.Name)
		}
	}
	p.report(CodeTTLAfter, n.span(), "%s has no attribute %s of its own", quote(r.Name), quote(t.After)).help("%s", didYouMean(t.After, names))
	return false
}

// lifetimePattern is what a life is written in.
const lifetimePattern = `^(?:[0-9]{1,6}[wdhms])+$`

var (
	lifetimeText = regexp.MustCompile(lifetimePattern)
	lifetimePart = regexp.MustCompile(`([0-9]+)([wdhms])`)
)

// lifetime reads a duration of weeks, days, hours, minutes and seconds.
func (p *parser) lifetime(n *node, to *time.Duration) bool {
	var text string
	if !p.readText(n, "the life of documents", &text) {
		return false
	}
	const day = 24 * time.Hour
	units := map[string]time.Duration{"w": 7 * day, "d": day, "h": time.Hour, "m": time.Minute, "s": time.Second}
	var sum time.Duration
	if lifetimeText.MatchString(text) {
		for _, part := range lifetimePart.FindAllStringSubmatch(text, -1) {
			count, _ := strconv.Atoi(part[1]) // at most six digits
			if sum > longestLife {
				break
			}
			sum += min(time.Duration(count), longestLife/units[part[2]]+1) * units[part[2]] //nolint:durationcheck // a count of units
		}
	}
	if sum <= 0 || sum > longestLife {
		p.report(CodeTTLFor, n.span(), "%s is not a life between a second and 100 years", quote(text)).
			help("write weeks, days, hours, minutes and seconds as in 2w, 30d or 1h30m")
		return false
	}
	*to = sum
	return true
}

const longestLife = 100 * 366 * 24 * time.Hour

// shapeTTL is what the keys of the expiry index depend on.
type shapeTTL struct {
	After string `json:"after"`
	For   string `json:"for"`
	Every string `json:"every"`
}

func (t *TTL) shape() *shapeTTL {
	if t == nil {
		return nil
	}
	return &shapeTTL{t.After, t.For.String(), t.Every().String()}
}

// expiry compares when documents expire.
func (c *comparison) expiry(old, now *Resource) {
	switch before, after := old.TTL.shape(), now.TTL.shape(); {
	case before == nil && after == nil, before != nil && after != nil && *before == *after:
	case after == nil:
		c.add(Safe, now.Pos, "", "documents do not expire any more; programs of the earlier schema still hide and sweep them")
	case before == nil:
		c.add(WireBreaking, now.TTL.Pos, "", "documents expire that programs of the earlier schema still read and keep")
	default:
		c.add(WireBreaking, now.TTL.Pos, "", "documents expire at another time; programs of the earlier schema hide and sweep them at theirs")
	}
}
