/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static char same(char c)
{
	return c == '-' ? '_' : c;
}

int bootcfg_compare_names(const char *a, const char *b)
{
	while (*a && same(*a) == same(*b)) {
		a++;
		b++;
	}
	return (unsigned char)same(*a) - (unsigned char)same(*b);
}

bool bootcfg_same_name(const char *a, const char *b)
{
	return bootcfg_compare_names(a, b) == 0;
}

/* A word ends at white space that does not stand in quotes. Returns its length. */
static size_t word_length(const char *text, size_t len)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < len && (quoted || !isspace((unsigned char)text[i])); i++)
		if (text[i] == '"')
			quoted = !quoted;
	return i;
}

/* The quotes may be around the whole word, or around the value. */
static int split(const char *word, size_t len, struct bootcfg_parameter *ret_parameter)
{
	struct bootcfg_parameter parameter = { 0 };
	const char *equals, *end;

	if (len && word[0] == '"') {
		word++;
		len--;
		if (len && word[len - 1] == '"')
			len--;
	}
	end = word + len;
	equals = memchr(word, '=', len);
	parameter.name = strndup(word, (size_t)((equals ? equals : end) - word));
	if (equals) {
		const char *value = equals + 1;

		if (value < end && *value == '"') {
			value++;
			if (value < end && end[-1] == '"')
				end--;
		}
		parameter.value = strndup(value, (size_t)(end - value));
	}
	if (!parameter.name || (equals && !parameter.value)) {
		free(parameter.name);
		return -ENOMEM;
	}
	*ret_parameter = parameter;
	return 0;
}

int bootcfg_cmdline_parse(const char *text, size_t len,
			  struct bootcfg_cmdline *ret_cmdline)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline cmdline = { 0 };
	const char *end = text + strnlen(text, len);

	while (text < end) {
		size_t n = word_length(text, (size_t)(end - text));
		struct bootcfg_parameter *larger;

		if (!n) {
			text++;
			continue;
		}
		if (n == 2 && !memcmp(text, "--", 2))
			break;
		larger = reallocarray(cmdline.items, cmdline.count + 1, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		cmdline.items = larger;
		if (split(text, n, &cmdline.items[cmdline.count]) < 0)
			return -ENOMEM;
		cmdline.count++;
		text += n;
	}
	*ret_cmdline = cmdline;
	memset(&cmdline, 0, sizeof(cmdline));
	return 0;
}

void bootcfg_cmdline_free(struct bootcfg_cmdline *cmdline)
{
	if (!cmdline)
		return;
	for (size_t i = 0; i < cmdline->count; i++) {
		free(cmdline->items[i].name);
		free(cmdline->items[i].value);
	}
	free(cmdline->items);
	memset(cmdline, 0, sizeof(*cmdline));
}

enum fact bootcfg_cmdline_read(const struct host *host,
			       struct bootcfg_cmdline *ret_cmdline)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = host_read_file(host, "proc/cmdline", &text, &len);

	if (r == -ENOENT)
		return FACT_ABSENT;
	return r < 0 || bootcfg_cmdline_parse(text, len, ret_cmdline) < 0
		       ? FACT_UNREADABLE
		       : FACT_KNOWN;
}

const struct bootcfg_parameter *
bootcfg_find_parameter(const struct bootcfg_cmdline *cmdline, const char *name)
{
	for (size_t i = cmdline->count; i-- > 0;)
		if (bootcfg_same_name(cmdline->items[i].name, name))
			return &cmdline->items[i];
	return NULL;
}

bool bootcfg_value_has(const char *value, const char *word)
{
	size_t len = strlen(word);

	while (value && *value) {
		size_t n = strcspn(value, ",");

		if (n == len && !strncmp(value, word, n))
			return true;
		value += n + (value[n] == ',');
	}
	return false;
}

static bool is_own(const struct bootcfg_parameter *parameter)
{
	return !strcmp(parameter->name, "pciferry") && parameter->value;
}

bool bootcfg_is_disarmed(const struct bootcfg_cmdline *cmdline)
{
	for (size_t i = 0; i < cmdline->count; i++)
		if (is_own(&cmdline->items[i]) && !strcmp(cmdline->items[i].value, "off"))
			return true;
	return false;
}

const char *bootcfg_trial_word(const struct bootcfg_cmdline *cmdline)
{
	static const char start[] = "trial:";
	const char *found = NULL;

	for (size_t i = 0; i < cmdline->count; i++)
		if (is_own(&cmdline->items[i]) &&
		    !strncmp(cmdline->items[i].value, start, strlen(start)))
			found = cmdline->items[i].value + strlen(start);
	return found;
}
