package schema

import (
	"strconv"
	"strings"
	"unicode"
)

// closest returns the candidate nearest to a mistyped word, and "" when none is
// near enough to be meant.
func closest(word string, candidates []string) string {
	best, bestDistance := "", -1
	for _, candidate := range candidates {
		d := distance(fold(word), fold(candidate))
		if limit := max(1, (min(len([]rune(word)), len([]rune(candidate)))+1)/3); d > limit {
			continue
		}
		if bestDistance < 0 || d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// didYouMean returns the question with the nearest candidate, or the list of all
// when none is near.
func didYouMean(word string, candidates []string) string {
	if c := closest(word, candidates); c != "" {
		return "did you mean " + quote(c) + "?"
	}
	if len(candidates) == 0 {
		return ""
	}
	return "use one of: " + strings.Join(candidates, ", ")
}

// fold makes spellings equal that differ in case, "_" and "-" only.
func fold(word string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' {
			return -1
		}
		return unicode.ToLower(r)
	}, word)
}

// distance is the number of characters to insert, delete, replace or swap with
// the neighbour to get from a to b (optimal string alignment).
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 64 || len(t) > 64 {
		return 64
	}
	before, previous, current := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(s); i++ {
		current[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return previous[len(t)]
}

// quote returns text in quotes with everything escaped that is not plainly
// visible, cut when long.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:59]) + "…"
	}
	return strconv.Quote(text)
}
