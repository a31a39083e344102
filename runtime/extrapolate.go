package s3db

import (
	"math/big"
	"slices"
	"strings"
)

// extrapolate returns a text before which about n keys come that are above from, if
// keys go on as they do in a page. It reads keys as numbers whose digits are the
// characters that stand in that place in the page. It reports false when the page
// does not tell, or when no such text is left, as at the end of random ids.
func extrapolate(page []ListItem, prefix, from string, n int) (point string, ok bool) {
	if len(page) < 2 || !strings.HasPrefix(from, prefix) {
		return "", false
	}
	s := newNumerals(page, len(prefix))
	first, ok1 := s.number(page[0].Key[len(prefix):])
	last, ok2 := s.number(page[len(page)-1].Key[len(prefix):])
	start, ok3 := s.number(from[len(prefix):])
	if !ok1 || !ok2 || !ok3 {
		return "", false
	}
	step := last.Sub(last, first)
	step.Mul(step, big.NewInt(int64(n)))
	step.Div(step, big.NewInt(int64(len(page)-1)))
	text, ok := s.text(start.Add(start, step))
	point = prefix + text
	return point, ok && point > from
}

// numerals are the digits that may stand in each place of a key.
type numerals []string

// newNumerals finds the digits from the keys of a page, after their first skip bytes.
func newNumerals(page []ListItem, skip int) numerals {
	const most = 64 // places; more hold no more of what tells keys apart
	var seen [most]charset
	places := 0
	for _, item := range page {
		rest := item.Key[skip:]
		rest = rest[:min(len(rest), most)]
		for i := range len(rest) {
			seen[i][rest[i]] = true
		}
		places = max(places, len(rest))
	}
	var varying charset
	for i := range places {
		if len(seen[i].list()) > 1 {
			varying.addAll(&seen[i])
		}
	}
	// A place shows only a few of its digits in one page, or none but one, so all have
	// those of all; but for what never changes and does not look like one.
	digits := varying.digits()
	s := make(numerals, places)
	for i := range places {
		s[i] = digits
		if only := seen[i].list(); len(only) == 1 && !strings.Contains(digits, only) {
			s[i] = only
		}
	}
	return s
}

// number reads a text as a number. It reports false for a text with another
// character where all keys have the same.
func (s numerals) number(text string) (*big.Int, bool) {
	n, base := new(big.Int), new(big.Int)
	for i, digits := range s {
		value := 0
		if i < len(text) {
			value, _ = slices.BinarySearch([]byte(digits), text[i])
			if len(digits) == 1 && digits[0] != text[i] {
				return nil, false
			}
		}
		n.Mul(n, base.SetInt64(int64(len(digits))))
		n.Add(n, base.SetInt64(int64(min(value, len(digits)-1))))
	}
	return n, true
}

// text writes a number. It reports false when there are not enough places.
func (s numerals) text(n *big.Int) (string, bool) {
	b := make([]byte, len(s))
	digit := new(big.Int)
	for i, digits := range slices.Backward(s) {
		n.DivMod(n, big.NewInt(int64(len(digits))), digit)
		b[i] = digits[digit.Int64()]
	}
	return string(b), n.Sign() == 0
}

// charset is a set of bytes.
type charset [256]bool

func (c *charset) addAll(d *charset) {
	for b, in := range d {
		c[b] = c[b] || in
	}
}

// list returns the bytes of the set in their order.
func (c *charset) list() string {
	var list []byte
	for b, in := range c {
		if in {
			list = append(list, byte(b)) //nolint:gosec // b < 256
		}
	}
	return string(list)
}

// digits returns the smallest usual alphabet that has all bytes of the set, in the
// order of bytes: of decimal and hexadecimal numbers, of ULIDs, of random ids; or the
// bytes themselves.
func (c *charset) digits() string {
	list := c.list()
	for _, alphabet := range [...]string{
		"0123456789", "0123456789abcdef", "0123456789ABCDEF", "0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789abcdefghijklmnopqrstuvwxyz",
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	} {
		if strings.Trim(list, alphabet) == "" {
			return alphabet
		}
	}
	return list
}
