package goldentest

import (
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3dbgen/s3dbgen/testdata/golden/arrays/arrays"
	"github.com/s3dbgen/s3dbgen/testdata/golden/behaviors/behaviors"
	"github.com/s3dbgen/s3dbgen/testdata/golden/defaults/defaults"
	"github.com/s3dbgen/s3dbgen/testdata/golden/diary/diary"
	"github.com/s3dbgen/s3dbgen/testdata/golden/enums/enums"
	"github.com/s3dbgen/s3dbgen/testdata/golden/expiry/expiry"
	"github.com/s3dbgen/s3dbgen/testdata/golden/frozen/frozen"
	"github.com/s3dbgen/s3dbgen/testdata/golden/gotypes/gotypes"
	"github.com/s3dbgen/s3dbgen/testdata/golden/hostile/hostile"
	"github.com/s3dbgen/s3dbgen/testdata/golden/ids/ids"
	"github.com/s3dbgen/s3dbgen/testdata/golden/many/many"
	"github.com/s3dbgen/s3dbgen/testdata/golden/minimal/minimal"
	"github.com/s3dbgen/s3dbgen/testdata/golden/names/names"
	"github.com/s3dbgen/s3dbgen/testdata/golden/nested/nested"
	"github.com/s3dbgen/s3dbgen/testdata/golden/relations/relations"
	"github.com/s3dbgen/s3dbgen/testdata/golden/rules/rules"
	"github.com/s3dbgen/s3dbgen/testdata/golden/secrets/secrets"
	"github.com/s3dbgen/s3dbgen/testdata/golden/shuffled/shuffled"
	"github.com/s3dbgen/s3dbgen/testdata/golden/stores/stores"
	"github.com/s3dbgen/s3dbgen/testdata/golden/timestamps/timestamps"
	"github.com/s3dbgen/s3dbgen/testdata/golden/types/types"
	"github.com/s3dbgen/s3dbgen/testdata/golden/unicode/unicode"
	"github.com/s3dbgen/s3dbgen/testdata/golden/uniques/uniques"
	versioned "github.com/s3dbgen/s3dbgen/testdata/golden/versioned/generated/code"
)

// numbered forgets the type of a generated fixture.
func numbered[I any](f func(n int, changes ...func(*I)) I) func(n int) any {
	return func(n int) any { return f(n) }
}

// fixtures are those of each resource of each golden package.
var fixtures = map[string]map[string]func(n int) any{
	"arrays": {
		"orders": numbered(arrays.NewOrderFixture),
	},
	"behaviors": {
		"managed":     numbered(behaviors.NewManagedFixture),
		"enforced":    numbered(behaviors.NewEnforcedFixture),
		"overflowing": numbered(behaviors.NewOverflowingFixture),
		"bodies":      numbered(behaviors.NewBodyFixture),
		"truncated":   numbered(behaviors.NewTruncatedFixture),
	},
	"defaults": {
		"settings": numbered(defaults.NewSettingFixture),
		"records":  numbered(defaults.NewRecordFixture),
	},
	"diary": {
		"plains":  numbered(diary.NewPlainFixture),
		"secrets": numbered(diary.NewSecretFixture),
	},
	"enums": {
		"tickets": numbered(enums.NewTicketFixture),
	},
	"expiry": {
		"sessions": numbered(expiry.NewSessionFixture),
		"drafts":   numbered(expiry.NewDraftFixture),
		"tokens":   numbered(expiry.NewTokenFixture),
		"codes":    numbered(expiry.NewCodeFixture),
		"kept":     numbered(expiry.NewKeptFixture),
	},
	"frozen": {
		"users":         numbered(frozen.NewPersonFixture),
		"user_profiles": numbered(frozen.NewUserProfileFixture),
	},
	"gotypes": {
		"required": numbered(gotypes.NewRequiredFixture),
		"optional": numbered(gotypes.NewOptionalFixture),
		"items":    numbered(gotypes.NewItemFixture),
		"nested":   numbered(gotypes.NewNestedFixture),
		"defaults": numbered(gotypes.NewDefaultFixture),
		"indexed":  numbered(gotypes.NewIndexedFixture),
		"secrets":  numbered(gotypes.NewSecretFixture),
		"cut":      numbered(gotypes.NewCutFixture),
	},
	"hostile": {
		"traps": numbered(hostile.NewTrapFixture),
	},
	"ids": {
		"defaults": numbered(ids.NewDefaultFixture),
		"shorts":   numbered(ids.NewShortFixture),
		"longs":    numbered(ids.NewLongFixture),
		"timed":    numbered(ids.NewTimedFixture),
		"randoms":  numbered(ids.NewRandomFixture),
		"sorted":   numbered(ids.NewSortedFixture),
		"lexicals": numbered(ids.NewLexicalFixture),
		"customs":  numbered(ids.NewCustomFixture),
	},
	"many": {
		"accounts": numbered(many.NewAccountFixture),
		"books":    numbered(many.NewBookFixture),
		"cars":     numbered(many.NewCarFixture),
		"dogs":     numbered(many.NewDogFixture),
		"events":   numbered(many.NewEventFixture),
		"films":    numbered(many.NewFilmFixture),
		"games":    numbered(many.NewGameFixture),
		"houses":   numbered(many.NewHouseFixture),
		"ideas":    numbered(many.NewIdeaFixture),
		"jobs":     numbered(many.NewJobFixture),
		"keys":     numbered(many.NewKeyFixture),
		"lamps":    numbered(many.NewLampFixture),
		"maps":     numbered(many.NewMapFixture),
		"notes":    numbered(many.NewNoteFixture),
		"orders":   numbered(many.NewOrderFixture),
	},
	"minimal": {
		"users": numbered(minimal.NewUserFixture),
	},
	"names": {
		"db":               numbered(names.NewDBDocumentFixture),
		"users":            numbered(names.NewUserFixture),
		"user_insert":      numbered(names.NewUserInsertDocumentFixture),
		"clients":          numbered(names.NewClientDocumentFixture),
		"client":           numbered(names.NewCustomerFixture),
		"sheep":            numbered(names.NewSheepFixture),
		"data":             numbered(names.NewDataFixture),
		"statuses":         numbered(names.NewStatusFixture),
		"categories":       numbered(names.NewCategoryFixture),
		"order-items_test": numbered(names.NewOrderItemsTestFixture),
		"go_linux":         numbered(names.NewGoLinuxFixture),
		"opens":            numbered(names.NewOpenDocumentFixture),
		"people":           numbered(names.NewPersonFixture),
	},
	"nested": {
		"people": numbered(nested.NewPersonFixture),
	},
	"rules": {
		"texts":       numbered(rules.NewTextFixture),
		"numbers":     numbered(rules.NewNumberFixture),
		"collections": numbered(rules.NewCollectionFixture),
	},
	"relations": {
		"users":   numbered(relations.NewUserFixture),
		"orders":  numbered(relations.NewOrderFixture),
		"reviews": numbered(relations.NewReviewFixture),
	},
	"secrets": {
		"vaults": numbered(secrets.NewVaultFixture),
		"badges": numbered(secrets.NewBadgeFixture),
		"safes":  numbered(secrets.NewSafeFixture),
	},
	"shuffled": {
		"users": numbered(shuffled.NewUserFixture),
	},
	"stores": {
		"notes": numbered(stores.NewNoteFixture),
	},
	"timestamps": {
		"events": numbered(timestamps.NewEventFixture),
	},
	"types": {
		"required": numbered(types.NewRequiredFixture),
		"optional": numbered(types.NewOptionalFixture),
	},
	"unicode": {
		"places": numbered(unicode.NewPlaceFixture),
	},
	"uniques": {
		"accounts": numbered(uniques.NewAccountFixture),
	},
	"versioned": {
		"documents": numbered(versioned.NewDocumentFixture),
		"drafts":    numbered(versioned.NewDraftFixture),
	},
}

// TestFixtures inserts fixtures of every golden resource into one database: all are
// valid, no two claim the same unique value, and the same number gives the same.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for name := range packages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := openGolden(t, name)
			for _, r := range parse(t, name).Resources {
				fixture := fixtures[name][r.Name]
				if fixture == nil {
					t.Errorf("resource %s has no fixture in the table of this test", r.Name)
					continue
				}
				c := collection{t, reflectCollection(t, db, r.Name), r, true}
				for _, n := range []int{0, 1, 2, 3, 9, 10, 11, 100, 255, 1000, 9999, math.MaxInt, -1} {
					if len(r.Uniques) > 0 && (n < 0 || n > 9999) {
						continue // they begin again some time
					}
					c.call("Insert", reflect.ValueOf(fixture(n)))
					if diff := cmp.Diff(fixture(n), fixture(n), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
						t.Errorf("fixture %d of %s differs from itself:\n%s", n, r.Name, diff)
					}
				}
			}
		})
	}
}

// TestFixtureChanges changes a fixture for one test.
func TestFixtureChanges(t *testing.T) {
	t.Parallel()
	in := minimal.NewUserFixture(3, func(u *minimal.UserInsert) { u.Name = "Ada" }, func(u *minimal.UserInsert) { u.Name += " L." })
	if in.Name != "Ada L." {
		t.Errorf("the name is %q", in.Name)
	}
}
