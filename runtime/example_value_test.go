package s3db_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	shop "github.com/s3dbgen/s3dbgen/example/generated"
	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A date is a day without a time and a place.
func ExampleDate() {
	born, err := s3db.ParseDate("1815-12-10")
	if err != nil {
		log.Fatal(err)
	}
	week := born.AddDays(7)
	fmt.Println(week, week.After(born), born.Before(week), born.Compare(week))
	fmt.Println(born.Time(time.UTC).Weekday(), born == s3db.Date{Year: 1815, Month: 12, Day: 10})
	fmt.Println(s3db.Date{Year: 2026, Month: 2, Day: 29}.IsValid())
	// Output:
	// 1815-12-17 true true -1
	// Sunday true
	// false
}

// Middleware and hooks can ask what a patch does. Its JSON form has what it sets,
// and null for what it clears.
func ExampleChange() {
	var patch shop.UserPatch
	if err := json.Unmarshal([]byte(`{"name":"Ada King","age":null}`), &patch); err != nil {
		log.Fatal(err)
	}
	name, ok := patch.Name.Value()
	fmt.Println(name, ok)
	fmt.Println("clears the age:", patch.Age.IsClear())
	fmt.Println("keeps the email:", patch.Email.IsZero())

	n, ok := s3db.Add(int64(3)).Added()
	fmt.Println("adds", n, ok)
	// Output:
	// Ada King true
	// clears the age: true
	// keeps the email: true
	// adds 3 true
}

// Documents, inputs and patches are JSON as API handlers need it: secrets and
// passwords can be read from it, and are redacted in it.
func Example_json() {
	ctx := context.Background()
	db := openShop(ctx)
	defer db.Close()

	var in shop.UserInsert
	if err := json.Unmarshal([]byte(`{"id":"ada","name":"Ada","email":"ada@example.com","password":"correct horse","born":"1815-12-10"}`), &in); err != nil {
		log.Fatal(err)
	}
	u, err := db.Users.Insert(ctx, in)
	if err != nil {
		log.Fatal(err)
	}
	b, err := json.MarshalIndent(struct {
		ID       shop.UserID
		Born     *s3db.Date
		Password s3db.PasswordHash
	}{u.ID, u.Born, u.Password}, "", " ")
	fmt.Println(string(b), err)
	// Output:
	// {
	//  "ID": "ada",
	//  "Born": "1815-12-10",
	//  "Password": "[redacted]"
	// } <nil>
}
