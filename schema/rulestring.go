package schema

import "strings"

// rule is one rule of an attribute as written, in a rule string or as a key of a
// mapping.
type rule struct {
	name string
	at   span
	arg  argument
}

// splitRules cuts a rule string such as "string|min:2|pattern:/^(a|b)$/" into
// rules. A "|" ends a rule unless it stands between the slashes of a pattern.
func (p *parser) splitRules(n *node) []rule {
	text := n.value
	rules := make([]rule, 0, strings.Count(text, "|")+1)
	for start := 0; start <= len(text); {
		end := ruleEnd(text, start)
		from, to := trim(text, start, end)
		start = end + 1
		if from == to {
			at := n.part(from, to)
			if len(text) > 0 {
				d := p.report(CodeUnknownRule, at, "a rule is missing beside |")
				d.help("remove the |; a text that contains | is written in the mapping form, a pattern between slashes: pattern:/a|b/")
			}
			continue
		}
		r := rule{name: text[from:to], at: n.part(from, to)}
		if colon := strings.IndexByte(text[from:to], ':'); colon >= 0 {
			nameFrom, nameTo := trim(text, from, from+colon)
			argFrom, argTo := trim(text, from+colon+1, to)
			r.name, r.at = text[nameFrom:nameTo], n.part(nameFrom, nameTo)
			if isSlashed(text[argFrom:argTo]) && r.name == "pattern" {
				argFrom, argTo = argFrom+1, argTo-1
			}
			r.arg = argument{given: argTo > argFrom, text: text[argFrom:argTo], at: n.part(argFrom, argTo), origin: n, from: argFrom}
		}
		rules = append(rules, r)
	}
	return rules
}

// ruleEnd returns the offset of the "|" that ends the rule beginning at start.
func ruleEnd(text string, start int) int {
	rest := text[start:]
	body := strings.TrimLeft(rest, " \t")
	if after, ok := strings.CutPrefix(body, "pattern:"); ok {
		if slashed := strings.TrimLeft(after, " \t"); strings.HasPrefix(slashed, "/") {
			// The pattern ends at the last slash that a "|" or the end follows.
			offset := start + len(rest) - len(slashed)
			for i := 1; i < len(slashed); i++ {
				if slashed[i] != '/' {
					continue
				}
				tail := strings.TrimLeft(slashed[i+1:], " \t")
				if tail == "" {
					return len(text)
				}
				if tail[0] == '|' && slashed[i-1] != '\\' {
					return offset + len(slashed) - len(tail)
				}
			}
		}
	}
	if i := strings.IndexByte(rest, '|'); i >= 0 {
		return start + i
	}
	return len(text)
}

func isSlashed(text string) bool {
	return len(text) >= 2 && text[0] == '/' && text[len(text)-1] == '/'
}

// trim narrows the bytes from..to of text to those without blanks around.
func trim(text string, from, to int) (int, int) {
	for from < to && (text[from] == ' ' || text[from] == '\t' || text[from] == '\n') {
		from++
	}
	for to > from && (text[to-1] == ' ' || text[to-1] == '\t' || text[to-1] == '\n') {
		to--
	}
	return from, to
}
