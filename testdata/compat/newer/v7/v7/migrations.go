package v7

import (
	"fmt"
	"strconv"
	"strings"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// MigrateUserV3ToV4 makes a text of the age, and the profile with lines.
func MigrateUserV3ToV4(old UserV3) (UserV4Changes, error) {
	made := UserV4Changes{Profile: UserV4ChangesProfile{City: old.Profile.City, Lines: []string{}, Kind: UserV4ChangesProfileKindHome}}
	if old.Age != nil {
		made.Age = new(old.Age.String() + " years")
	}
	if old.Profile.Zip != nil {
		zip, err := strconv.ParseInt(*old.Profile.Zip, 10, 64)
		if err != nil {
			return made, fmt.Errorf("the zip code is not a number")
		}
		made.Profile.Zip = &zip
	}
	if old.Profile.Street != nil {
		made.Profile.Lines = strings.Split(*old.Profile.Street, ", ")
	}
	if old.Role == UserV3RoleOwner {
		made.Profile.Kind = UserV4ChangesProfileKindWork
	}
	return made, nil
}

// MigrateUserV4ToV5 makes tags of the plan and the kind, and gives the pin a hint.
func MigrateUserV4ToV5(old UserV4) (UserV5Changes, error) {
	made := UserV5Changes{Tags: []string{old.Plan, string(old.Profile.Kind)}}
	if old.PIN != nil {
		made.PIN = new(s3db.NewSecret(UserV5ChangesPIN{Code: old.PIN.Reveal(), Hint: old.Nick}))
	}
	return made, nil
}

// MigrateUserV6ToV7 makes a number of an age that begins with one.
func MigrateUserV6ToV7(old UserV6) (UserV7Changes, error) {
	if old.Age == nil {
		return UserV7Changes{}, nil
	}
	years, _, _ := strings.Cut(*old.Age, " ")
	age, err := strconv.ParseInt(years, 10, 64)
	if err != nil {
		return UserV7Changes{}, fmt.Errorf("the age does not begin with a number")
	}
	return UserV7Changes{Age: &age}, nil
}
