package clienttest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/s3dbgen/s3dbgen/behaviors"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// AccountID identifies an account.
type AccountID string

// Account is a document of a small resource that is written by hand in the form of
// generated code, so that the runtime is tested without the generator and with
// any number of partitions and unique constraints.
type Account struct {
	ID        AccountID
	Name      string
	Count     int64
	Email     *string
	Phone     *string
	Country   *string
	City      *string
	Plan      *string
	Bio       *string
	CreatedAt time.Time
	UpdatedAt time.Time
	Meta      s3db.Meta
}

// AccountInsert is the input of an insert.
type AccountInsert struct {
	ID      AccountID
	Name    string
	Count   int64
	Email   *string
	Phone   *string
	Country *string
	City    *string
	Plan    *string
	Bio     *string
}

// AccountPatch is a change of an account.
type AccountPatch struct {
	Name    s3db.Change[string]
	Count   s3db.Change[int64]
	Email   s3db.Change[string]
	Phone   s3db.Change[string]
	Country s3db.Change[string]
	City    s3db.Change[string]
	Plan    s3db.Change[string]
	Bio     s3db.Change[string]
}

// Accounts is the collection of accounts.
type Accounts = s3db.Collection[Account, AccountID, AccountInsert, AccountPatch]

// Open opens a database of accounts with the first p of three partitions and the
// first k of two unique constraints.
func Open(ctx context.Context, store s3db.Store, p, k int, options ...s3db.Option) (*Accounts, error) {
	return OpenBehavior(ctx, store, p, k, behaviors.UserManaged, options...)
}

// OpenResource is Open for a resource with another name than "accounts".
func OpenResource(ctx context.Context, store s3db.Store, name string, p, k int, options ...s3db.Option) (*Accounts, error) {
	model := newAccountModel(p, k)
	model.Resource = name
	db, err := s3db.New(ctx, store, s3db.Config{Resources: []s3db.Resource{model}}, options...)
	if err != nil {
		return nil, err
	}
	return s3db.NewCollection(db, model), nil
}

// OpenTTL is Open for accounts that expire.
func OpenTTL(ctx context.Context, store s3db.Store, p, k int, ttl *s3db.TTL[Account], options ...s3db.Option) (*Accounts, error) {
	model := newAccountModel(p, k)
	model.TTL, model.Schema = ttl, expiringShape(model.Schema, ttl)
	db, err := s3db.New(ctx, store, s3db.Config{Resources: []s3db.Resource{model}}, options...)
	if err != nil {
		return nil, err
	}
	return s3db.NewCollection(db, model), nil
}

// OpenHistory is OpenTTL for a program of a version of the accounts, which keeps what
// documents of older ones were.
func OpenHistory(ctx context.Context, store s3db.Store, version int, ttl *s3db.TTL[Account], options ...s3db.Option) (*Accounts, error) {
	model := newAccountModel(1, 1)
	model.TTL, model.Schema = ttl, expiringShape(model.Schema, ttl)
	model.History, model.Version = true, version
	if version > 0 { // the shape of each version is another one
		model.Hashes = make([]string, version+1)
		model.Schema = strings.Replace(model.Schema, `"fields":[`, fmt.Sprintf(`"fields":[{"number":%d,"name":"later","type":"string","optional":true},`, 99+version), 1)
	}
	db, err := s3db.New(ctx, store, s3db.Config{Resources: []s3db.Resource{model}}, options...)
	if err != nil {
		return nil, err
	}
	return s3db.NewCollection(db, model), nil
}

// OpenBehavior is Open for a resource with another behavior than user-managed.
func OpenBehavior(ctx context.Context, store s3db.Store, p, k int, b s3db.Behavior, options ...s3db.Option) (*Accounts, error) {
	model := newAccountModel(p, k)
	model.Behavior = b
	db, err := s3db.New(ctx, store, s3db.Config{Resources: []s3db.Resource{model}}, options...)
	if err != nil {
		return nil, err
	}
	return s3db.NewCollection(db, model), nil
}

type accountModel = s3db.Model[Account, AccountID, AccountInsert, AccountPatch]

// newAccountModel has the first p of three partitions and the first k of two
// unique constraints.
func newAccountModel(p, k int) *accountModel {
	str := (*s3db.KeyBuilder).String
	optional := []s3db.KeyForm{{Optional: true}}
	partitions := []s3db.Index[Account]{
		{Name: "byCountry", Fields: []string{"country"}, Forms: optional, Key: func(b *s3db.KeyBuilder, d *Account) { s3db.KeyOptional(b, d.Country, str) }},
		{Name: "byCountryCity", Fields: []string{"country", "city"}, Forms: []s3db.KeyForm{{Optional: true}, {Optional: true}}, Key: func(b *s3db.KeyBuilder, d *Account) {
			s3db.KeyOptional(b, d.Country, str)
			s3db.KeyOptional(b, d.City, str)
		}},
		{Name: "byPlan", Fields: []string{"plan"}, Forms: optional, Key: func(b *s3db.KeyBuilder, d *Account) { s3db.KeyOptional(b, d.Plan, str) }},
	}
	uniques := []s3db.Index[Account]{
		{Name: "email", Fields: []string{"email"}, Forms: optional, Key: func(b *s3db.KeyBuilder, d *Account) { s3db.KeyOptional(b, d.Email, str) }},
		{Name: "phone", Fields: []string{"phone"}, Forms: optional, Key: func(b *s3db.KeyBuilder, d *Account) { s3db.KeyOptional(b, d.Phone, str) }},
	}
	return &accountModel{
		Resource:   "accounts",
		Names:      []string{1: "name", 2: "count", 3: "email", 4: "phone", 5: "country", 6: "city", 7: "plan", 8: "bio"},
		Schema:     accountShape(partitions[:p], uniques[:k]),
		Behavior:   behaviors.UserManaged,
		NewID:      s3db.NanoID(22),
		ID:         func(d *Account) *AccountID { return &d.ID },
		Meta:       func(d *Account) *s3db.Meta { return &d.Meta },
		Times:      func(d *Account) (*time.Time, *time.Time) { return &d.CreatedAt, &d.UpdatedAt },
		InsertID:   func(in *AccountInsert) AccountID { return in.ID },
		New:        newAccount,
		Merge:      mergeAccount,
		Apply:      applyAccount,
		Validate:   validateAccount,
		Encode:     encodeAccount,
		Decode:     decodeAccount,
		Texts:      func(t *s3db.Texts, d *Account) { t.AddOptional("bio", 0, &d.Bio) },
		Partitions: partitions[:p],
		Uniques:    uniques[:k],
	}
}

// accountShape is the stored shape of accounts with some indexes.
func accountShape(partitions, uniques []s3db.Index[Account]) string {
	type fieldShape struct {
		Number   int    `json:"number"`
		Name     string `json:"name"`
		Optional bool   `json:"optional,omitempty"`
		Type     string `json:"type"`
	}
	type segment struct {
		Path string `json:"path"`
	}
	type indexShape struct {
		Name   string    `json:"name"`
		Fields []segment `json:"fields"`
	}
	shapes := func(list []s3db.Index[Account]) []indexShape {
		var all []indexShape
		for _, x := range list {
			s := indexShape{Name: x.Name}
			for _, path := range x.Fields {
				s.Fields = append(s.Fields, segment{path})
			}
			all = append(all, s)
		}
		return all
	}
	text, err := json.Marshal(struct {
		Resource   string       `json:"resource"`
		Fields     []fieldShape `json:"fields"`
		Partitions []indexShape `json:"partitions,omitempty"`
		Uniques    []indexShape `json:"uniques,omitempty"`
	}{
		Resource: "accounts",
		Fields: []fieldShape{
			{1, "name", false, "string"}, {2, "count", false, "integer"}, {3, "email", true, "string"}, {4, "phone", true, "string"},
			{5, "country", true, "string"}, {6, "city", true, "string"}, {7, "plan", true, "string"}, {8, "bio", true, "text"},
		},
		Partitions: shapes(partitions), Uniques: shapes(uniques),
	})
	if err != nil { // cannot be: strings and numbers only
		return err.Error()
	}
	return string(text)
}

// expiringShape is a shape with a ttl, as package schema writes it.
func expiringShape(shape string, ttl *s3db.TTL[Account]) string {
	after := "createdAt"
	switch {
	case ttl == nil:
		return shape
	case ttl.After != nil:
		after = "count" // or what the function says
	case ttl.Updated:
		after = "updatedAt"
	}
	index := `{"name":"byExpiry","fields":[{"path":"_expires"}]}`
	if head, rest, ok := strings.Cut(shape, `"partitions":[`); ok {
		shape = head + `"partitions":[` + index + "," + rest
	} else {
		shape = strings.TrimSuffix(shape, "}") + `,"partitions":[` + index + "]}"
	}
	return fmt.Sprintf(`%s,"ttl":{"after":%q,"for":%q,"every":%q}}`, strings.TrimSuffix(shape, "}"), after, ttl.For.String(), ttl.Every.String())
}

func newAccount(_ *s3db.Validator, in *AccountInsert, d *Account) {
	d.Name, d.Count, d.Email, d.Phone = in.Name, in.Count, in.Email, in.Phone
	d.Country, d.City, d.Plan, d.Bio = in.Country, in.City, in.Plan, in.Bio
}

func mergeAccount(_ *s3db.Validator, in *AccountInsert, d *Account) {
	d.Name, d.Count = in.Name, in.Count
	d.Email, d.Phone = given(in.Email, d.Email), given(in.Phone, d.Phone)
	d.Country, d.City = given(in.Country, d.Country), given(in.City, d.City)
	d.Plan, d.Bio = given(in.Plan, d.Plan), given(in.Bio, d.Bio)
}

func given[T any](in, old *T) *T {
	if in != nil {
		return in
	}
	return old
}

func applyAccount(v *s3db.Validator, p *AccountPatch, d *Account) {
	s3db.Apply(v, "name", p.Name, &d.Name)
	s3db.Apply(v, "count", p.Count, &d.Count)
	s3db.ApplyOptional(p.Email, &d.Email)
	s3db.ApplyOptional(p.Phone, &d.Phone)
	s3db.ApplyOptional(p.Country, &d.Country)
	s3db.ApplyOptional(p.City, &d.City)
	s3db.ApplyOptional(p.Plan, &d.Plan)
	s3db.ApplyOptional(p.Bio, &d.Bio)
}

func validateAccount(v *s3db.Validator, d *Account) {
	s3db.Check(v, "name", &d.Name, s3db.StringRules{Min: 1})
	s3db.CheckOptional(v, "email", &d.Email, s3db.StringRules{})
}

func encodeAccount(e *s3db.Encoder, d *Account) {
	e.String(1, d.Name)
	e.Int(2, d.Count)
	s3db.EncodeOptional(e, 3, d.Email, (*s3db.Encoder).String)
	s3db.EncodeOptional(e, 4, d.Phone, (*s3db.Encoder).String)
	s3db.EncodeOptional(e, 5, d.Country, (*s3db.Encoder).String)
	s3db.EncodeOptional(e, 6, d.City, (*s3db.Encoder).String)
	s3db.EncodeOptional(e, 7, d.Plan, (*s3db.Encoder).String)
	s3db.EncodeOptional(e, 8, d.Bio, (*s3db.Encoder).String)
}

func decodeAccount(dec *s3db.Decoder, d *Account) {
	d.Name = dec.String(1)
	d.Count = dec.Int(2)
	d.Email = s3db.DecodeOptional(dec, 3, (*s3db.Decoder).String)
	d.Phone = s3db.DecodeOptional(dec, 4, (*s3db.Decoder).String)
	d.Country = s3db.DecodeOptional(dec, 5, (*s3db.Decoder).String)
	d.City = s3db.DecodeOptional(dec, 6, (*s3db.Decoder).String)
	d.Plan = s3db.DecodeOptional(dec, 7, (*s3db.Decoder).String)
	d.Bio = s3db.DecodeOptional(dec, 8, (*s3db.Decoder).String)
}

// AccountAttributes are the attributes by which accounts are found.
type AccountAttributes struct {
	ID                                     s3db.TextAttr[*Account, AccountID]
	Name, Email, Phone, Country, City, Bio s3db.TextAttr[*Account, string]
	Count                                  s3db.OrderedAttr[*Account, int64]
	CreatedAt                              s3db.OrderedAttr[*Account, time.Time]
}

// Where returns the attributes of accounts.
func Where() AccountAttributes {
	at := s3db.DocumentOf[*Account]()
	return AccountAttributes{
		ID:        s3db.IDAt(at, func(d *Account) *AccountID { return &d.ID }),
		Name:      s3db.StringAt(at, "name", func(d *Account) *string { return &d.Name }),
		Count:     s3db.IntAt(at, "count", func(d *Account) *int64 { return &d.Count }),
		Email:     s3db.StringAt(at, "email", func(d *Account) *string { return d.Email }),
		Phone:     s3db.StringAt(at, "phone", func(d *Account) *string { return d.Phone }),
		Country:   s3db.StringAt(at, "country", func(d *Account) *string { return d.Country }),
		City:      s3db.StringAt(at, "city", func(d *Account) *string { return d.City }),
		Bio:       s3db.StringAt(at, "bio", func(d *Account) *string { return d.Bio }),
		CreatedAt: s3db.TimeAt(at, "createdAt", func(d *Account) *time.Time { return &d.CreatedAt }),
	}
}

// AccountsByCountryCity reads the partition byCountryCity.
type AccountsByCountryCity struct {
	s3db.PartitionQuery[Account, AccountID, string]
}

// ByCountry reads the accounts of some countries, or of all.
func ByCountry(c *Accounts, countries ...string) s3db.PartitionQuery[Account, AccountID, string] {
	return s3db.InPartition(c, "byCountry", (*s3db.KeyBuilder).String, countries...)
}

// ByCountryCity reads the accounts of a country that have a city.
func ByCountryCity(c *Accounts, country string, more ...string) AccountsByCountryCity {
	return AccountsByCountryCity{s3db.InPartition(c, "byCountryCity", (*s3db.KeyBuilder).String, append([]string{country}, more...)...)}
}

// City goes on with some cities, or with all.
func (q AccountsByCountryCity) City(cities ...string) s3db.PartitionQuery[Account, AccountID, string] {
	return s3db.Then(q.PartitionQuery, (*s3db.KeyBuilder).String, cities...)
}

// DistinctCountry returns the countries that accounts have.
func DistinctCountry(ctx context.Context, c *Accounts) ([]string, error) {
	return s3db.Distinct(ctx, c, "byCountry", func(d *Account) string { return *d.Country })
}

// ByEmail returns the account with this address.
func ByEmail(ctx context.Context, c *Accounts, email string) (*Account, error) {
	return s3db.GetByUnique(ctx, c, "email", func(b *s3db.KeyBuilder) { b.String(email) })
}
