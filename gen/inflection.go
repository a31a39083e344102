package gen

import (
	"cmp"

	"github.com/go-openapi/inflect"
)

// inflections turns the last word of a name into its singular or plural.
type inflections struct{ rules *inflect.Ruleset }

// newInflections starts from the rules of English in go-openapi/inflect and
// corrects those that are too eager for names in programs: there "status" and
// "canvas" are no plurals, and "data", "media" and "beta" stay as they are. What
// still comes out wrong is corrected in the schema with the option "go".
func newInflections() inflections {
	r := inflect.NewDefaultRuleset()
	for _, suffix := range []string{"ss", "us", "is", "ta", "ia"} { // of words in the singular
		r.AddSingular(suffix, suffix)
	}
	r.AddSingular("ves", "ve") // archives, waves; the few in "-f" follow
	for _, stem := range []string{"shel", "hal", "wol", "thie", "sel", "loa", "cal", "scar", "lea"} {
		r.AddSingular(stem+"ves", stem+"f")
	}
	for _, stem := range []string{"kni", "wi", "li"} {
		r.AddSingularExact(stem+"ves", stem+"fe", true)
	}
	for _, w := range []string{
		"alias", "analytics", "atlas", "aws", "bias", "canvas", "chaos", "css", "dns", "gas", "gps", "https", "kudos", "lens",
		"news", "os", "sms",
	} {
		r.AddSingularExact(w, w, true)
	}
	for _, pair := range [][2]string{
		{"atlases", "atlas"}, {"bonuses", "bonus"}, {"buses", "bus"}, {"caches", "cache"}, {"campuses", "campus"}, {"canvases", "canvas"},
		{"cookies", "cookie"}, {"feet", "foot"}, {"focuses", "focus"}, {"gases", "gas"}, {"geese", "goose"}, {"indexes", "index"},
		{"lenses", "lens"}, {"menus", "menu"}, {"taxes", "tax"}, {"teeth", "tooth"}, {"viruses", "virus"},
		{"apis", "api"}, {"guis", "gui"}, {"uis", "ui"}, {"gpus", "gpu"}, {"cpus", "cpu"}, {"skus", "sku"},
	} {
		r.AddSingularExact(pair[0], pair[1], true)
	}
	for _, w := range []string{"feedback", "media", "metadata", "staff", "stock"} {
		r.AddUncountable(w)
	}
	return inflections{rules: r}
}

// singular returns the words with the last one in the singular. A word of which nothing
// would be left, as of "s", stays as it is.
func (n inflections) singular(list []string) []string {
	return onLast(list, func(word string) string { return cmp.Or(n.rules.Singularize(word), word) })
}

func onLast(list []string, change func(string) string) []string {
	if len(list) == 0 {
		return list
	}
	changed := append([]string(nil), list...)
	changed[len(changed)-1] = change(changed[len(changed)-1])
	return changed
}
