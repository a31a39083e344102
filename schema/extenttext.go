package schema

import (
	"regexp/syntax"
	"unicode/utf8"
)

// alphabet is what the characters of a text are.
type alphabet int

// The alphabets, each within the next.
const (
	letters   alphabet = iota // ASCII that stands for itself everywhere
	printable                 // ASCII with the characters that are escaped
	anything
)

// one returns the largest extent of one character.
func (c alphabet) one(packed bool) extent {
	switch {
	case c == letters:
		return sized(1)
	case c == anything:
		return extent{text: utf8.UTFMax, wire: 5}
	case packed:
		return extent{text: 2, wire: 2}
	default:
		return extent{text: 1, wire: 2}
	}
}

// longestEmail and longestLocal are the bytes of an address and of what stands
// before its "@" (RFC 5321).
const (
	longestEmail = 254
	longestLocal = 64
)

// string measures a string of a kind that is stored as it is.
func (m ruler) string(a *Attribute, t *Type, packed bool) extent {
	if m.typical {
		typically := map[Kind]int{KindText: typicalText, KindURL: typicalURL}[t.Kind]
		if typically == 0 {
			typically = typicalString
		}
		n, _ := m.count(a, t, typically)
		if len(t.Rules.In) > 0 {
			n = len(t.Rules.normalise(t.Rules.In[0]))
		}
		return sized(n)
	}
	r := &t.Rules
	if len(r.In) > 0 {
		most := sized(0)
		for _, text := range r.In {
			most = most.orMore(literal([]rune(r.normalise(text)), packed))
		}
		return most.followed(packed)
	}
	n, open := m.count(a, t, 0)
	most := r.alphabet().most(n, packed)
	if pattern, ok := patternExtent(r.Pattern, packed); ok && (open != nil || pattern.wire < most.wire) {
		most, open = pattern, nil
	}
	if t.Kind == KindEmail {
		if open != nil {
			most, open = anything.most(longestEmail, packed), nil
		}
		text := longestEmail
		if packed {
			text += longestLocal
		}
		// No character of an address takes more than two bytes a byte.
		most.text, most.wire = min(most.text, text), min(most.wire, 2*longestEmail)
	}
	most.open = open
	return most.followed(packed)
}

// followed adds what may be left to those who write on behind a text: to leave the
// mode of its last character.
func (e extent) followed(packed bool) extent {
	if packed && !e.plain {
		e.wire++
	}
	return e
}

// alphabet returns what the rules say of the characters.
func (r *Rules) alphabet() alphabet {
	if r.Alpha || r.Numeric || r.Alphanum || r.Alphadash || r.Hex || r.Base64 {
		return letters
	}
	return anything
}

// most returns the extent of n characters.
func (c alphabet) most(n int, packed bool) extent {
	return c.one(packed).times(n)
}

// alphabetOf returns the smallest alphabet with the characters from low to high.
func alphabetOf(low, high rune) alphabet {
	switch {
	case low < ' ' || high >= utf8.RuneSelf-1:
		return anything
	case plainRange(low, high):
		return letters
	}
	return printable
}

// plainRange reports whether no character from low to high is ever escaped.
func plainRange(low, high rune) bool {
	for _, special := range " ~`|()^=" {
		if low <= special && special <= high {
			return false
		}
	}
	return true
}

// literal returns the extent of one text.
func literal(text []rune, packed bool) extent {
	all := sized(0)
	for _, c := range text {
		all = all.plus(alphabetOf(c, c).most(1, packed))
	}
	return all
}

// patternExtent returns how long texts get that match a whole pattern. It reports
// false when the pattern sets no end to them.
func patternExtent(pattern string, packed bool) (extent, bool) {
	if pattern == "" {
		return extent{}, false
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || !anchored(re) {
		return extent{}, false
	}
	return matchExtent(re, packed)
}

// anchored reports whether matches reach from the start of a text to its end.
func anchored(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpCapture:
		return anchored(re.Sub[0])
	case syntax.OpConcat:
		return re.Sub[0].Op == syntax.OpBeginText && re.Sub[len(re.Sub)-1].Op == syntax.OpEndText
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !anchored(sub) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

// matchExtent returns how long matches of a part of a pattern get.
func matchExtent(re *syntax.Regexp, packed bool) (extent, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 { // "k" is the Kelvin sign too
			return anything.most(len(re.Rune), packed), true
		}
		return literal(re.Rune, packed), true
	case syntax.OpCharClass:
		most := sized(0)
		for i := 0; i < len(re.Rune); i += 2 {
			most = most.orMore(alphabetOf(re.Rune[i], re.Rune[i+1]).most(1, packed))
		}
		return most, true
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return anything.most(1, packed), true
	case syntax.OpCapture, syntax.OpQuest:
		return matchExtent(re.Sub[0], packed)
	case syntax.OpRepeat:
		one, ok := matchExtent(re.Sub[0], packed)
		return one.times(re.Max), ok && re.Max >= 0
	case syntax.OpConcat, syntax.OpAlternate:
		all := sized(0)
		for _, sub := range re.Sub {
			one, ok := matchExtent(sub, packed)
			if !ok {
				return extent{}, false
			}
			if re.Op == syntax.OpConcat {
				all = all.plus(one)
			} else {
				all = all.orMore(one)
			}
		}
		return all, true
	case syntax.OpStar, syntax.OpPlus:
		return extent{}, false
	default: // what matches no character
		return sized(0), true
	}
}

// shortestCut is the length in bytes that truncate-data cuts no text below.
const shortestCut = 16

// shortened measures a string that truncate-data has cut as far as it does, or an
// array of such strings.
func (m ruler) shortened(t *Type, least int, packed bool) extent {
	if t.Kind == KindArray {
		n, open := m.count(nil, t, 0)
		all := m.shortened(t.Elem, least, true).plus(sized(len("|"))).times(n)
		all.open = open
		return all.enclosed(packed)
	}
	// A control character takes four bytes a byte; other characters less.
	short := extent{text: shortestCut, wire: 4 * shortestCut}
	if packed {
		short.text *= 2
	}
	return short.orMore(t.Rules.alphabet().most(least, packed)).followed(packed)
}
