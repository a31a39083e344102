package schema

// Code names a kind of mistake. Codes are stable: one keeps its meaning for ever
// and is never used for another.
type Code string

// Codes of the form of the file.
const (
	CodeSyntax          Code = "S3D0001"
	CodeEncoding        Code = "S3D0002"
	CodeEmpty           Code = "S3D0003"
	CodeDocuments       Code = "S3D0004"
	CodeMergeConflict   Code = "S3D0005"
	CodeTooLarge        Code = "S3D0006"
	CodeTab             Code = "S3D0007"
	CodeDuplicateKey    Code = "S3D0008"
	CodeWrongNode       Code = "S3D0009"
	CodeUnknownKey      Code = "S3D0010"
	CodeMissingKey      Code = "S3D0011"
	CodeMergeKey        Code = "S3D0012"
	CodeEmptySection    Code = "S3D0013"
	CodeOptionValue     Code = "S3D0014"
	CodeConflictingKeys Code = "S3D0016" // 0015 was that of options not supported yet
)

// Codes of names.
const (
	CodePackageName   Code = "S3D0101"
	CodeOutput        Code = "S3D0102"
	CodeResourceName  Code = "S3D0103"
	CodeAttributeName Code = "S3D0104"
	CodeReservedName  Code = "S3D0105"
	CodeIndexName     Code = "S3D0106"
	CodeGoName        Code = "S3D0107"
)

// Codes of types and rules.
const (
	CodeUnknownType   Code = "S3D0201"
	CodeMissingType   Code = "S3D0202"
	CodeUnknownRule   Code = "S3D0203"
	CodeRuleArgument  Code = "S3D0204"
	CodeRuleKind      Code = "S3D0205"
	CodeDuplicateRule Code = "S3D0206"
	CodeContradiction Code = "S3D0207"
	CodePattern       Code = "S3D0208"
	CodeDefault       Code = "S3D0209"
	CodeEnumValues    Code = "S3D0210"
	CodePlace         Code = "S3D0211"
	CodeSecretPlace   Code = "S3D0212"
	CodeItems         Code = "S3D0213"
	CodeGoType        Code = "S3D0214"
)

// Codes of partitions and unique constraints.
const (
	CodeIndexField     Code = "S3D0301"
	CodeIndexKind      Code = "S3D0302"
	CodeIndexSecret    Code = "S3D0303"
	CodeIndexRule      Code = "S3D0304"
	CodeIndexDuplicate Code = "S3D0305"
	CodeIndexSame      Code = "S3D0306"
	CodeIndexSize      Code = "S3D0307"
	CodeIndexSystem    Code = "S3D0308"
)

// Codes of relations.
const (
	CodeRelationTarget    Code = "S3D0351"
	CodeRelationBy        Code = "S3D0352"
	CodeRelationType      Code = "S3D0353"
	CodeRelationOpposite  Code = "S3D0354"
	CodeRelationPartition Code = "S3D0355"
)

// Codes of the life of documents.
const (
	CodeTTLAfter Code = "S3D0361"
	CodeTTLFor   Code = "S3D0362"
)

// Codes of the lock file and of changes against it.
const (
	CodeLockCorrupt    Code = "S3D0401"
	CodeLockFormat     Code = "S3D0402"
	CodeLockNumber     Code = "S3D0403"
	CodeLockVersion    Code = "S3D0404"
	CodeTypeChange     Code = "S3D0405"
	CodeEnumRemoved    Code = "S3D0406"
	CodeWas            Code = "S3D0407"
	CodePossibleRename Code = "S3D0408"
	CodeNewRequired    Code = "S3D0409"
	CodeLockHistory    Code = "S3D0410"
)

// Codes of the generator, which reports through Schema.Diagnose.
const (
	CodeGoNameTaken   Code = "S3D0501"
	CodeFixture       Code = "S3D0510"
	CodePlugin        Code = "S3D0520"
	CodePluginFile    Code = "S3D0521"
	CodeGoTypePackage Code = "S3D0530"
	CodeGoTypeName    Code = "S3D0531"
	CodeGoTypeForm    Code = "S3D0532"
	CodeGoTypeCycle   Code = "S3D0533"
)

// Codes of the budget, see Schema.CheckBudgets.
const (
	CodeBudgetRefused Code = "S3D0601"
	CodeBudgetCut     Code = "S3D0602"
)

// Codes of the configuration of replication, which is told through Document.
const (
	CodeUnknownDriver   Code = "S3D0701"
	CodeDriverNotLinked Code = "S3D0702"
	CodeEnvironment     Code = "S3D0703"
	CodeTargetSettings  Code = "S3D0704"
	CodeRoute           Code = "S3D0705"
	CodeReplicatorName  Code = "S3D0706"
)

// severity returns how grave a mistake of the code is.
func (c Code) severity() Severity {
	switch c {
	case CodeIndexSame, CodePossibleRename, CodeBudgetRefused, CodeBudgetCut:
		return Warning
	default:
		return Error
	}
}
