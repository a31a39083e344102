package s3db

// The tables of the armour, as in docs/format.md. They never change within
// format 1.

const (
	// armourDigits are the digits of groups and escapes: printable ASCII without
	// the blank, "`", "|" and "~".
	armourDigits = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_abcdefghijklmnopqrstuvwxyz{}"
	// windowLiterals stand for themselves in a window, and windowSymbols for its
	// letters.
	windowLiterals = "!\"'(),-./0123456789:=?|"
	windowSymbols  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#$%&*+;<>@[\\]^_{}"
	// groupSize is the number of characters that groups can hold; those from
	// groupScripts on may stand in a group, but do not begin groups mode.
	groupSize    = 37042
	groupScripts = groupSize - 32 - 94
)

func armourDigit(c byte) int {
	switch {
	case c <= ' ' || c == '`' || c == '|' || c >= '~':
		return -1
	case c < '`':
		return int(c - '!')
	case c < '|':
		return int(c-'a') + 63
	}
	return 90
}

// charRange maps the characters low to high to the numbers from index on.
type charRange struct {
	low, high rune
	index     int
}

// groupRanges are the characters of groups.
//
//nolint:gochecknoglobals // table, never written
var groupRanges = [...]charRange{
	{0x4E00, 0xA4CF, 0},     // Han, Yi
	{0xAC00, 0xD7A3, 22224}, // Hangul
	{0x3000, 0x33FF, 33396}, // punctuation, kana, bopomofo, jamo, squared
	{0xFE30, 0xFFEF, 34420}, // vertical, small and full-width forms
	{0x0A00, 0x0B7F, 34868}, // Gurmukhi, Gujarati, Oriya
	{0x0C00, 0x0DFF, 35252}, // Telugu, Kannada, Malayalam, Sinhala
	{0x0E80, 0x10FF, 35764}, // Lao, Tibetan, Myanmar, Georgian
	{0x1200, 0x137F, 36404}, // Ethiopic
	{0x1780, 0x17FF, 36788}, // Khmer
	{0x2010, 0x202F, 36916}, // dashes and quotes; they do not begin a group
	{0x0021, 0x007E, 36948}, // ASCII; it does not begin a group
}

// groupIndex returns the number of a character in groups, or -1.
func groupIndex(c rune) int {
	for i := range groupRanges {
		if r := &groupRanges[i]; c >= r.low && c <= r.high {
			return r.index + int(c-r.low)
		}
	}
	return -1
}

// groupChar is the inverse of groupIndex.
func groupChar(index int) rune {
	for i := len(groupRanges) - 1; i > 0; i-- {
		if r := &groupRanges[i]; index >= r.index {
			return r.low + rune(index-r.index) //nolint:gosec // below groupSize
		}
	}
	return groupRanges[0].low + rune(index) //nolint:gosec // below groupSize
}

// pageOne are the characters of "~" and a symbol, beside U+00C0 to U+00FD, whose
// symbols are the ASCII characters 0x80 before them.
//
//nolint:gochecknoglobals // table, never written
var pageOne = [...]struct {
	symbol byte
	char   rune
}{
	{'"', '”'}, {'(', '“'}, {'\'', '’'}, {',', '‘'}, {'!', '„'}, {'<', '«'}, {'>', '»'},
	{'-', '–'}, {'+', '—'}, {'.', '…'}, {'$', '€'}, {'/', '\n'}, {')', '\t'},
}

func pageOneSymbol(c rune) byte {
	if c >= 0xC0 && c <= 0xFD {
		return byte(c - 0x80)
	}
	if c > 0xFF && c < 0x2000 {
		return 0
	}
	for i := range pageOne {
		if pageOne[i].char == c {
			return pageOne[i].symbol
		}
	}
	return 0
}

// pageTwo are the characters of "`" and a symbol, from "!" to "~".
//
//nolint:gochecknoglobals // table, never written
var pageTwo = []rune("\u00A0¡£§©°·º¿þĀāĂăĄąĆćČčďĐđĒēĖėĘęĚěĞğģĩĪīĮįİıĶķĻļĽľŁłŃńŅņŇňŐőŒœŘřŚś`ŞşŠšťũŪūŮůŰűŲųŹźŻżŽžƠơƯưȘșȚț\u200D\uFE0F")

// pageTwoSymbols maps the characters of pageTwo below U+0220 to their symbols.
//
//nolint:gochecknoglobals // table, never written
var pageTwoSymbols = makePageTwoSymbols()

func makePageTwoSymbols() *[0x220]byte {
	var t [0x220]byte
	for i, c := range pageTwo {
		if int(c) < len(t) {
			t[c] = byte('!' + i) //nolint:gosec // below 94
		}
	}
	return &t
}

func pageTwoSymbol(c rune) byte {
	switch {
	case c < 0xA0:
		return 0
	case int(c) < len(pageTwoSymbols):
		return pageTwoSymbols[c]
	case c == 0x200D:
		return '}'
	case c == 0xFE0F:
		return '~'
	}
	return 0
}

// windows are the letters of the windows "~0" to "~8", by windowSymbols.
//
//nolint:gochecknoglobals // table, never written
var windows = [...][]rune{
	[]rune("αβγδεζηθικλμνξοπρστυφχψωςάΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩέήίόύώΆΈΉΊΌΎΏϊϋΐΰΪΫ"),
	[]rune("абвгдежзиклмнопрстуфхчшыьяАБВГДЕЖЗИКЛМНОПРСТУФХЧШЫЬЯйцщъэюЙЦЩЪЭЮёіїєј"),
	letters(0x05D0, 0x05EA, 0x05B0, 0x05C7, 0x05F0, 0x05F4),
	letters(0x0627, 0x063A, 0x0640, 0x0652, 0x0621, 0x0626, 0x060C, 0x060C, 0x061B, 0x061B, 0x061F, 0x061F,
		0x067E, 0x067E, 0x0686, 0x0686, 0x0698, 0x0698, 0x06A9, 0x06A9, 0x06AF, 0x06AF, 0x06CC, 0x06CC,
		0x0679, 0x0679, 0x0688, 0x0688, 0x0691, 0x0691, 0x06BA, 0x06BA, 0x06BE, 0x06BE, 0x06C1, 0x06C1, 0x06D2, 0x06D2),
	letters(0x0915, 0x0928, 0x092A, 0x0930, 0x0932, 0x0933, 0x0935, 0x0939, 0x093C, 0x0943, 0x0945, 0x0945, 0x0947, 0x0949,
		0x094B, 0x094D, 0x0901, 0x0903, 0x0905, 0x090B, 0x090F, 0x0911, 0x0913, 0x0914, 0x0950, 0x0950, 0x0964, 0x0965),
	letters(0x0995, 0x09A8, 0x09AA, 0x09B0, 0x09B2, 0x09B2, 0x09B6, 0x09B9, 0x09BC, 0x09BC, 0x09BE, 0x09C3, 0x09C7, 0x09C8,
		0x09CB, 0x09CE, 0x0981, 0x0983, 0x0985, 0x098B, 0x098F, 0x0990, 0x0993, 0x0994, 0x09D7, 0x09D7, 0x09DC, 0x09DD, 0x09DF, 0x09DF, 0x0964, 0x0964),
	letters(0x0B95, 0x0B95, 0x0B99, 0x0B9A, 0x0B9C, 0x0B9C, 0x0B9E, 0x0B9F, 0x0BA3, 0x0BA4, 0x0BA8, 0x0BAA, 0x0BAE, 0x0BB9,
		0x0BBE, 0x0BC2, 0x0BC6, 0x0BC8, 0x0BCA, 0x0BCD, 0x0B82, 0x0B83, 0x0B85, 0x0B8A, 0x0B8E, 0x0B90, 0x0B92, 0x0B94, 0x0BD7, 0x0BD7),
	letters(0x0E01, 0x0E02, 0x0E04, 0x0E04, 0x0E06, 0x0E39, 0x0E40, 0x0E44, 0x0E46, 0x0E4D),
	letters(0x0561, 0x0587, 0x0531, 0x054D, 0x0589, 0x0589),
}

// letters returns the characters of some ranges, each given by its ends.
func letters(ends ...rune) []rune {
	var list []rune
	for i := 0; i < len(ends); i += 2 {
		for c := ends[i]; c <= ends[i+1]; c++ {
			list = append(list, c)
		}
	}
	return list
}

// The first and the last character of a window.
const (
	windowsLow  = 0x0386
	windowsHigh = 0x0E4D
)

// windowCode is the place of a character in windows: window·256 + symbol.
//
//nolint:gochecknoglobals // table, never written
var windowCode = makeWindowCode()

func makeWindowCode() *[windowsHigh - windowsLow + 1]uint16 {
	var t [windowsHigh - windowsLow + 1]uint16
	for w := len(windows) - 1; w >= 0; w-- {
		for i, c := range windows[w] {
			t[c-windowsLow] = uint16(w<<8) | uint16(windowSymbols[i]) //nolint:gosec // small
		}
	}
	return &t
}

// windowSymbol returns the window of a character and its symbol there, which is 0
// when no window has it.
func windowSymbol(c rune) (window int, symbol byte) {
	if c < windowsLow || c > windowsHigh {
		return 0, 0
	}
	v := windowCode[c-windowsLow]
	return int(v >> 8), byte(v)
}

// escapeRange is an escape: "~", a symbol and digits.
type escapeRange struct {
	symbol byte
	digits int
	ranges []charRange
}

// escapes are tried in this order.
//
//nolint:gochecknoglobals // table, never written
var escapes = [...]escapeRange{
	{'#', 1, []charRange{{0x0300, 0x035A, 0}}},                                                   // combining marks
	{'?', 1, []charRange{{0x1EA0, 0x1EFA, 0}}},                                                   // Latin letters of Vietnamese
	{'%', 2, []charRange{{0x0000, 0x2058, 0}}},                                                   // the rest of the first scripts
	{'&', 2, []charRange{{0x1F000, 0x1FFFF, 0}, {0x2059, 0x2BFF, 4096}, {0xFE00, 0xFE0F, 7079}}}, // emoji, symbols
	{':', 3, []charRange{{0x0000, 753570, 0}}},                                                   // all others
	{';', 3, []charRange{{753571, 0x10FFFF, 0}}},
}

// plainBytes are the bytes that stand for themselves wherever they are.
//
//nolint:gochecknoglobals // table, never written
var plainBytes = makePlainBytes()

func makePlainBytes() *[256]bool {
	var t [256]bool
	for c := '!'; c < '~'; c++ {
		t[c] = c != '`'
	}
	return &t
}
