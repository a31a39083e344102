package gen

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/s3dbgen/s3dbgen/runtime/fixture"
	"github.com/s3dbgen/s3dbgen/schema"
)

// textFixture finds a template whose texts obey the rules of a type, with many texts if
// there is one. The example of the rules is such a template; when texts must differ it
// is the last resort. Word begins the texts where the rules allow. Broken names a rule
// that no candidate obeys; "" when there is a template.
func textFixture(t *schema.Type, word string, differ bool) (template, broken string) {
	example := t.Rules.Example
	if example != "" && !differ {
		return fixture.Escape(example), ""
	}
	const enough = 10000
	best := uint64(0)
	for _, candidate := range candidates(t, word) {
		if b := brokenBy(t, candidate); b != "" {
			if broken == "" {
				broken = b
			}
			continue
		}
		if n := fixture.Count(candidate); n > best {
			template, best = candidate, n
		}
		if best >= enough {
			break
		}
	}
	switch {
	case best > 0:
		broken = ""
	case example != "":
		return fixture.Escape(example), ""
	}
	return template, broken
}

// brokenBy returns the rule that some text of a template breaks: places of a template
// are independent of each other, so the first texts, the last one and some between
// stand for all.
func brokenBy(t *schema.Type, template string) string {
	last := int(fixture.Count(template) - 1) //nolint:gosec // any number will do
	for _, n := range []int{0, 1, 7, 1234567, last} {
		if b := t.Broken(fixture.Text(n, template)); b != "" {
			return b
		}
	}
	return ""
}

// candidates returns templates for the texts of a type, the best first.
func candidates(t *schema.Type, word string) []string {
	r := t.Rules
	m := newMaker(r, word)
	switch {
	case len(r.In) > 0:
		return nil // the values are picked
	case r.Pattern != "":
		return m.padded(patternTemplates(r.Pattern))
	case t.Kind == schema.KindEmail:
		return m.emails()
	case t.Kind == schema.KindURL:
		return m.urls(r.Schemes)
	case r.Base64:
		return m.base64()
	}
	return []string{m.text(r.StartsWith, r.Contains, r.EndsWith)}
}

// maker makes templates of texts from the lengths and the characters that rules allow.
type maker struct {
	rules       schema.Rules
	least, most int    // characters; most is 0 without a limit
	word        string // that the texts begin with
	class       string // of the characters that number the texts
	pad         string // a character that fills a text up
}

func newMaker(r schema.Rules, word string) maker {
	m := maker{rules: r, least: size(r.Min), most: size(r.Max)}
	if r.Length != nil {
		m.least, m.most = size(r.Length), size(r.Length)
	}
	allowed := func(c rune) bool {
		letter, digit, hex := unicode.IsLetter(c), unicode.IsDigit(c), strings.ContainsRune("0123456789abcdef", c)
		plain := letter || digit
		return (!r.Alpha || letter) && (!r.Numeric || digit) && (!r.Hex || hex) && (!r.Alphanum || plain) && (!r.Alphadash || plain || c == '-')
	}
	pick := func(from string) string {
		kept := strings.Map(func(c rune) rune {
			if allowed(c) {
				return c
			}
			return -1
		}, from)
		if r.Uppercase {
			return strings.ToUpper(kept)
		}
		return kept
	}
	if !r.Hex {
		m.word = pick(strings.ToLower(word) + "-")
	}
	if m.class = pick("0123456789"); m.class == "" {
		m.class = pick("abcdefghijklmnopqrstuvwxyz")
	}
	if r.Hex {
		m.class = pick("0123456789abcdef")
	}
	m.pad = pick("x")
	if m.pad == "" && m.class != "" {
		m.pad = m.class[:1]
	}
	return m
}

func size(n *int64) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// text is a template of the word, a number of four characters and the given parts. The
// word, then the number give way to a limit.
func (m maker) text(start, middle, end string) string {
	fixed := utf8.RuneCountInString(start + middle + end)
	word := []rune(m.word)
	digits := 4
	if m.most > 0 {
		digits = max(0, min(digits, m.most-fixed))
		word = word[:max(0, min(len(word), m.most-fixed-digits))]
	}
	if m.class == "" {
		digits = 0
	}
	return fixture.Escape(start+string(word)) + m.fill(fixed+len(word)+digits) + fixture.Escape(middle) + times(m.class, digits) + fixture.Escape(end)
}

// fill is a template of what a text of so many characters lacks.
func (m maker) fill(has int) string { return times(m.pad, m.least-has) }

// times is a template of so many characters of a class.
func times(class string, n int) string {
	switch {
	case n <= 0 || class == "":
		return ""
	case n == 1:
		return "[" + spans(class) + "]"
	}
	return fmt.Sprintf("[%s]{%d}", spans(class), n)
}

// spans writes a class of characters with its ranges.
func spans(class string) string {
	runes := []rune(class)
	var b strings.Builder
	for i := 0; i < len(runes); {
		j := i
		for j+1 < len(runes) && runes[j+1] == runes[j]+1 {
			j++
		}
		b.WriteString(classEscape(runes[i]))
		if j > i {
			if j > i+1 {
				b.WriteByte('-')
			}
			b.WriteString(classEscape(runes[j]))
		}
		i = j + 1
	}
	return b.String()
}

func classEscape(r rune) string {
	if strings.ContainsRune(`\]-`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// emails are templates of addresses around the parts that rules ask for. A part with an
// @ begins the domain.
func (m maker) emails() []string {
	r := m.rules
	var list []string
	for _, domain := range []string{"@example.com", "@a.io", "@example", "@", ""} {
		middle, end := r.Contains, domain+r.EndsWith
		if domain != "" && r.EndsWith != "" && !strings.HasPrefix(r.EndsWith, ".") && domain != "@" {
			end = domain + "." + r.EndsWith
		}
		if strings.Contains(middle, "@") {
			middle, end = "", r.Contains+r.EndsWith+strings.TrimPrefix(domain, "@")
		}
		list = append(list, m.text(r.StartsWith, middle, end))
	}
	return list
}

// urls are templates of addresses around the parts that rules ask for.
func (m maker) urls(schemes []string) []string {
	r := m.rules
	if len(schemes) == 0 {
		schemes = []string{"https"}
	}
	var list []string
	for _, host := range []string{"://example.com/", "://a.io/", "://"} {
		start := schemes[0] + host
		switch rest, found := strings.CutPrefix(start, r.StartsWith); {
		case !found && strings.Contains(r.StartsWith, "://"):
			start = r.StartsWith
		case !found:
			start = r.StartsWith + rest
		}
		list = append(list, m.text(start, r.Contains, r.EndsWith))
	}
	return append(list, m.text(r.StartsWith+"example.com/", r.Contains, r.EndsWith), m.text(r.StartsWith+"/", r.Contains, r.EndsWith))
}

// base64 are templates of whole groups of four characters.
func (m maker) base64() []string {
	const group, few = 4, 8
	n := max(few, (m.least+group-1)/group*group)
	if m.most > 0 {
		n = min(n, m.most/group*group)
	}
	fixed := utf8.RuneCountInString(m.rules.StartsWith + m.rules.Contains + m.rules.EndsWith)
	n = max(n, (fixed+group-1)/group*group)
	return []string{fixture.Escape(m.rules.StartsWith+m.rules.Contains) + times("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", n-fixed) + fixture.Escape(m.rules.EndsWith)}
}

// padded adds to templates the parts that a pattern leaves to other rules, where it
// does not say how a text begins or ends.
func (m maker) padded(list []string) []string {
	out := slices.Clone(list)
	for _, t := range list {
		n := utf8.RuneCountInString(fixture.Text(0, t))
		start, end := m.rules.StartsWith+m.rules.Contains, m.rules.EndsWith
		fill := m.fill(n + utf8.RuneCountInString(start+end))
		if start+end+fill != "" {
			out = append(out, fixture.Escape(start)+fill+t+fixture.Escape(end), fixture.Escape(start)+t+fill+fixture.Escape(end))
		}
	}
	return out
}

// patternTemplates are templates of texts that match a pattern, or begin to: with more
// and more repetitions of what may be repeated, and each alternative.
func patternTemplates(pattern string) []string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil // the parser of the schema has told
	}
	var list []string
	for _, repeats := range []int{3, 0, 1, 2, 4, 5, 6, 7, 8, 9, 11, 15, 19, 23, 31, 63, 255} {
		for alternative := range alternatives(re) {
			p := patternWriter{repeats: repeats, alternative: alternative}
			p.write(re)
			if p.b.Len() < longestTemplate && !slices.Contains(list, p.b.String()) {
				list = append(list, p.b.String())
			}
		}
	}
	return list
}

// longestTemplate bounds the templates of a pattern, in bytes.
const longestTemplate = 1 << 12

// alternatives returns how many alternatives of a pattern are tried.
func alternatives(re *syntax.Regexp) int {
	const most = 8
	n := 1
	if re.Op == syntax.OpAlternate {
		n = len(re.Sub)
	}
	for _, sub := range re.Sub {
		n = max(n, alternatives(sub))
	}
	return min(n, most)
}

// patternWriter writes one template of a pattern.
type patternWriter struct {
	b                    strings.Builder
	repeats, alternative int
}

func (p *patternWriter) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		p.b.WriteString(fixture.Escape(string(re.Rune)))
	case syntax.OpCharClass:
		p.b.WriteString(times(readable(re.Rune), 1))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		p.b.WriteString("[a-z]")
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			p.write(sub)
		}
	case syntax.OpAlternate:
		p.write(re.Sub[p.alternative%len(re.Sub)])
	case syntax.OpStar:
		p.repeat(re.Sub[0], p.repeats)
	case syntax.OpPlus:
		p.repeat(re.Sub[0], 1+p.repeats)
	case syntax.OpQuest:
		p.repeat(re.Sub[0], min(1, p.repeats))
	case syntax.OpRepeat:
		n := re.Min + p.repeats
		if re.Max >= 0 {
			n = min(n, re.Max)
		}
		p.repeat(re.Sub[0], n)
	default: // nothing, or a condition on the place
	}
}

func (p *patternWriter) repeat(re *syntax.Regexp, n int) {
	if re.Op == syntax.OpCharClass {
		p.b.WriteString(times(readable(re.Rune), n))
		return
	}
	for range n {
		if p.b.Len() > longestTemplate {
			return
		}
		p.write(re)
	}
}

// readable returns the characters of a class that people like to read: digits, else
// letters, else signs, else the first one that there is. Ranges are pairs.
func readable(ranges []rune) string {
	var digits, lower, upper, signs strings.Builder
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := max(ranges[i], ' '); r <= min(ranges[i+1], '~'); r++ {
			switch {
			case '0' <= r && r <= '9':
				digits.WriteRune(r)
			case 'a' <= r && r <= 'z':
				lower.WriteRune(r)
			case 'A' <= r && r <= 'Z':
				upper.WriteRune(r)
			default:
				signs.WriteRune(r)
			}
		}
	}
	for _, set := range []string{digits.String() + lower.String(), upper.String(), signs.String()} {
		if set != "" {
			return set
		}
	}
	if len(ranges) == 0 {
		return "" // the class is empty: nothing matches
	}
	return string(ranges[0])
}
