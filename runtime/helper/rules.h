/* RULE(NAME) is 1, unless a build for the tests takes that one rule away with -DKRUN_WITHOUT_NAME: its test must then turn red. */
#pragma once

#define RULE(name) RULE_EXPAND(KRUN_WITHOUT_##name)
#define RULE_EXPAND(value) RULE_PROBE(value)
#define RULE_PROBE(value) RULE_CHOOSE(RULE_ABSENT_##value)
#define RULE_CHOOSE(comma) RULE_SECOND(comma 0, 1, 1)
#define RULE_ABSENT_1 0,
#define RULE_SECOND(first, second, ...) second
