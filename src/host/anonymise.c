/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/anonymise.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * Shorter words are too common to be taken out wherever they stand: a serial number of
 * four digits is the ID of many a device.
 */
enum { SERIAL_MIN = 6, HOSTNAME_MIN = 4 };

/* Of words that are known by their form; of "enx" in "enx525400abcdef". */
enum { WORD_MIN = 7, WORD_SIZE = 64, MAC_PREFIX = 3 };

enum kind { MAC, MAC_NAME, UUID, IPV4, IPV6, SERIAL, HOSTNAME, KINDS };

struct replacement {
	char *original, *replacement;
	enum kind kind;
};

struct anonymiser {
	struct replacement *items;
	size_t count;
	unsigned int of_kind[KINDS];
};

struct anonymiser *anonymiser_new(void)
{
	return calloc(1, sizeof(struct anonymiser));
}

void anonymiser_free(struct anonymiser *anonymiser)
{
	if (!anonymiser)
		return;
	for (size_t i = 0; i < anonymiser->count; i++) {
		free(anonymiser->items[i].original);
		free(anonymiser->items[i].replacement);
	}
	free(anonymiser->items);
	free(anonymiser);
}

/* As long as the original where that is possible, so that columns keep their width. */
static char *invent(enum kind kind, unsigned int number, const char *original)
{
	size_t len = strlen(original);
	char *text = NULL;
	int n = 0;

	switch (kind) {
	case MAC:
		n = asprintf(&text, "02:00:00:%02x:%02x:%02x", number >> 16 & 0xff,
			     number >> 8 & 0xff, number & 0xff);
		break;
	case MAC_NAME:
		n = asprintf(&text, "%.3s0200%08x", original, number);
		break;
	case UUID:
		n = asprintf(&text, "00000000-0000-4000-8000-%012x", number);
		break;
	case IPV4: /* RFC 2544: networks for tests */
		n = asprintf(&text, "198.%u.%u.%u", 18 + (number >> 16 & 1),
			     number >> 8 & 0xff, number & 0xff);
		break;
	case IPV6: /* RFC 3849: for documentation; a link-local one stays link-local */
		n = asprintf(
			&text, "%s%x",
			strncmp(original, "fe80:", 5) ? "2001:db8::" : "fe80::", number);
		break;
	case HOSTNAME:
		n = asprintf(&text, "host%u", number);
		break;
	default:
		n = asprintf(&text, "S%0*u", (int)(len > 1 ? len - 1 : 1), number);
		break;
	}
	return n < 0 ? NULL : text;
}

/* What stands for an original of a kind, made when it is new. NULL: out of memory. */
static const struct replacement *find(struct anonymiser *anonymiser, enum kind kind,
				      const char *original)
{
	struct replacement *larger;

	for (size_t i = 0; i < anonymiser->count; i++)
		if (!strcasecmp(anonymiser->items[i].original, original))
			return &anonymiser->items[i];
	larger = reallocarray(anonymiser->items, anonymiser->count + 1, sizeof(*larger));
	if (!larger)
		return NULL;
	anonymiser->items = larger;
	larger += anonymiser->count;
	larger->kind = kind;
	larger->original = strdup(original);
	larger->replacement = invent(kind, ++anonymiser->of_kind[kind], original);
	if (!larger->original || !larger->replacement) {
		free(larger->original);
		free(larger->replacement);
		return NULL;
	}
	anonymiser->count++;
	return larger;
}

static bool ends_with(const char *path, const char *name)
{
	size_t len = strlen(path), n = strlen(name);

	return len > n && path[len - n - 1] == '/' && !strcmp(path + len - n, name);
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c);
}

/* Firmware and disks without a serial number say "00000000" or "FFFFFFFF". */
static bool is_one_character(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (text[i] != text[0])
			return false;
	return true;
}

/* What many hosts are called tells nobody's, and stands in texts of any host. */
static bool is_usual_name(const char *text, size_t len)
{
	static const char *const names[] = {
		"localhost", "linux", "debian", "ubuntu", "fedora", "archlinux", "server",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncasecmp(names[i], text, len))
			return true;
	return false;
}

static int learn_word(struct anonymiser *anonymiser, enum kind kind, const char *text,
		      size_t len)
{
	_cleanup_free_ char *word = NULL;

	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	/* A word that began with a NUL would be empty, and found everywhere. */
	if (len < (kind == HOSTNAME ? HOSTNAME_MIN : SERIAL_MIN) ||
	    memchr(text, '\n', len) || memchr(text, '\0', len) ||
	    is_one_character(text, len) || (kind == HOSTNAME && is_usual_name(text, len)))
		return 0;
	word = strndup(text, len);
	return word && find(anonymiser, kind, word) ? 0 : -ENOMEM;
}

/* "atlas.example.org", and the "atlas" that most texts have of it. */
static int learn_hostname(struct anonymiser *anonymiser, const char *text, size_t len)
{
	const char *dot = memchr(text, '.', len);
	int r = learn_word(anonymiser, HOSTNAME, text, len);

	return r == 0 && dot
		       ? learn_word(anonymiser, HOSTNAME, text, (size_t)(dot - text))
		       : r;
}

/* Properties that udev keeps of a disk, in lines "E:KEY=value". */
static int learn_properties(struct anonymiser *anonymiser, const char *text, size_t len)
{
	static const char *const keys[] = {
		"E:ID_SERIAL=",	     "E:ID_SERIAL_SHORT=",	 "E:ID_WWN=",
		"E:ID_SCSI_SERIAL=", "E:ID_WWN_WITH_EXTENSION=",
	};
	const char *end = text + len;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
			size_t key = strlen(keys[i]);

			if (n > key && !strncmp(text, keys[i], key))
				r = learn_word(anonymiser, SERIAL, text + key, n - key);
		}
		text += n + 1;
	}
	return r;
}

/*
 * Six bytes, with the bus's type in front of them the seven of BOOTIF=, the eight of
 * FireWire and the twenty of InfiniBand.
 */
static bool is_mac(const char *word, size_t len)
{
	if (len != 17 && len != 20 && len != 23 && len != 59)
		return false;
	for (size_t i = 0; i < len; i++)
		if (i % 3 == 2 ? (word[i] != ':' && word[i] != '-') || word[i] != word[2]
			       : !isxdigit((unsigned char)word[i]))
			return false;
	return strncmp(word, "00:00:00:00:00:00", len) != 0 &&
	       strncasecmp(word, "ff:ff:ff:ff:ff:ff", len) != 0;
}

/* udev names an interface after its MAC where it knows no better: "enx525400abcdef". */
static bool is_mac_prefix(const char *text, size_t left)
{
	return left > MAC_PREFIX &&
	       (!strncmp(text, "enx", MAC_PREFIX) || !strncmp(text, "wlx", MAC_PREFIX) ||
		!strncmp(text, "wwx", MAC_PREFIX));
}

static bool is_mac_name(const char *word, size_t len)
{
	return len == MAC_PREFIX + 12 && is_mac_prefix(word, len) &&
	       strspn(word + MAC_PREFIX, "0123456789abcdef") == 12;
}

/* 8-4-4-4-12 digits. */
static bool is_uuid(const char *word, size_t len)
{
	static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (len != strlen(pattern))
		return false;
	for (size_t i = 0; i < len; i++)
		if (pattern[i] == '-' ? word[i] != '-'
				      : !isxdigit((unsigned char)word[i]))
			return false;
	return true;
}

/*
 * File systems have shorter UUIDs too, which no form tells: FAT "ABCD-1234", NTFS sixteen
 * digits. fstab, the kernel's command line and udev all write "UUID=" before them.
 */
static int learn_uuids(struct anonymiser *anonymiser, const char *text, size_t len)
{
	static const char key[] = "UUID=";
	const char *end = text + len, *at = text;
	int r = 0;

	while (r == 0 && (at = memmem(at, (size_t)(end - at), key, strlen(key)))) {
		bool digits = false;
		size_t n = 0;

		at += strlen(key);
		if (at < end && *at == '"')
			at++;
		for (; at + n < end && (is_name(at[n]) || at[n] == '-'); n++)
			digits |= isdigit((unsigned char)at[n]) != 0;
		/* Others are words: GRUB_DISABLE_LINUX_UUID=true. */
		if (digits && !is_uuid(at, n))
			r = learn_word(anonymiser, SERIAL, at, n);
	}
	return r;
}

int anonymiser_learn(struct anonymiser *anonymiser, const char *path, const char *bytes,
		     size_t len)
{
	static const char *const serials[] = {
		"serial",
		"wwid",
		"eui",
		"nguid",
		"unique_id",
		"product_serial",
		"board_serial",
		"chassis_serial",
		"product_uuid",
		"vpd_pg80",
		"chassis_asset_tag",
	};
	int r = learn_uuids(anonymiser, bytes, len);

	if (ends_with(path, "hostname"))
		r = r < 0 ? r : learn_hostname(anonymiser, bytes, len);
	if (!strncmp(path, "run/udev/data/", strlen("run/udev/data/")))
		r = r < 0 ? r : learn_properties(anonymiser, bytes, len);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(serials); i++)
		if (ends_with(path, serials[i]))
			r = learn_word(anonymiser, SERIAL, bytes, len);
	return r;
}

static bool is_ipv4(const char *word)
{
	struct in_addr address;

	/* Not loopback, "any" or a mask. */
	return inet_pton(AF_INET, word, &address) == 1 && strchr(word, '.') &&
	       strncmp(word, "127.", 4) != 0 && strncmp(word, "0.", 2) != 0 &&
	       strncmp(word, "255.", 4) != 0;
}

static bool is_ipv6(const char *word)
{
	struct in6_addr address;

	return strchr(word, ':') && inet_pton(AF_INET6, word, &address) == 1 &&
	       !IN6_IS_ADDR_LOOPBACK(&address) && !IN6_IS_ADDR_UNSPECIFIED(&address);
}

/* What a word of digits, letters, ":", "." and "-" is by its form; KINDS: nothing. */
static enum kind kind_of(const char *word, size_t len)
{
	if (is_mac(word, len))
		return MAC;
	if (is_mac_name(word, len))
		return MAC_NAME;
	if (is_uuid(word, len))
		return UUID;
	if (is_ipv4(word))
		return IPV4;
	return is_ipv6(word) ? IPV6 : KINDS;
}

static bool is_word(char c)
{
	return isxdigit((unsigned char)c) || c == ':' || c == '.' || c == '-';
}

/* The learnt secret that begins here, as a whole word; NULL: none. The longest counts:
 * one serial number may be the beginning of another. */
static const struct replacement *learnt_at(const struct anonymiser *anonymiser,
					   const char *text, size_t left, bool begins,
					   bool in_path)
{
	const struct replacement *best = NULL;

	for (size_t i = 0; begins && i < anonymiser->count; i++) {
		const struct replacement *one = &anonymiser->items[i];
		size_t len = strlen(one->original);

		if ((one->kind != SERIAL && one->kind != HOSTNAME) ||
		    (in_path && one->kind == HOSTNAME) || len > left ||
		    tolower((unsigned char)*text) !=
			    tolower((unsigned char)*one->original) ||
		    strncasecmp(text, one->original, len) != 0 ||
		    (len < left && is_name(text[len])))
			continue;
		if (!best || len > strlen(best->original))
			best = one;
	}
	return best;
}

/* The length of the word that may be a formed one; 0: it is none. */
static size_t word_length(const char *text, size_t left)
{
	size_t len = 0;

	/* "192.0.2.1:3260": what follows the colon is none of the address's. */
	while (len < left && (isdigit((unsigned char)text[len]) || text[len] == '.'))
		len++;
	if (len < left && text[len] == ':' && memchr(text, '.', len))
		return len;
	len = is_mac_prefix(text, left) ? MAC_PREFIX : 0;
	while (len < left && len < WORD_SIZE && is_word(text[len]))
		len++;
	if (len < left && is_name(text[len]))
		return 0;
	/* A sentence ends with a dot, and a key with a colon. */
	while (len && (text[len - 1] == '.' || text[len - 1] == '-' ||
		       (text[len - 1] == ':' && (len < 2 || text[len - 2] != ':'))))
		len--;
	return len;
}

/* The address or UUID that begins here; 0, or -ENOMEM. */
static int formed_at(struct anonymiser *anonymiser, const char *text, size_t left,
		     const struct replacement **ret_found)
{
	size_t len = word_length(text, left);
	char word[WORD_SIZE];
	enum kind kind;

	*ret_found = NULL;
	if (len < WORD_MIN || len >= sizeof(word))
		return 0;
	memcpy(word, text, len);
	word[len] = '\0';
	kind = kind_of(word, len);
	if (kind == KINDS)
		return 0;
	*ret_found = find(anonymiser, kind, word);
	return *ret_found ? 0 : -ENOMEM;
}

static int replace(struct anonymiser *anonymiser, const char *text, size_t len,
		   bool in_path, char **ret_text, size_t *ret_len)
{
	_cleanup_free_ char *out = NULL;
	size_t room = 2 * len + 64, used = 0;

	out = malloc(room + 1);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < len;) {
		bool begins = !i || !is_name(text[i - 1]);
		/* "1.2.3.4.5" holds no address. */
		bool goes_on = i > 1 && text[i - 1] == '.' && is_name(text[i - 2]);
		const struct replacement *found = NULL, *learnt;
		size_t n;

		if (begins && !goes_on &&
		    formed_at(anonymiser, text + i, len - i, &found) < 0)
			return -ENOMEM;
		/* The longer one: a serial number may be how an address begins. */
		learnt = learnt_at(anonymiser, text + i, len - i, begins, in_path);
		if (learnt &&
		    (!found || strlen(learnt->original) > strlen(found->original)))
			found = learnt;
		n = found ? strlen(found->replacement) : 1;
		if (used + n > room) {
			char *larger = realloc(out, 2 * (room + n) + 1);

			if (!larger)
				return -ENOMEM;
			out = larger;
			room = 2 * (room + n);
		}
		memcpy(out + used, found ? found->replacement : text + i, n);
		used += n;
		i += found ? strlen(found->original) : 1;
	}
	out[used] = '\0';
	*ret_text = steal(out);
	*ret_len = used;
	return 0;
}

int anonymiser_replace(struct anonymiser *anonymiser, const char *text, size_t len,
		       char **ret_text, size_t *ret_len)
{
	return replace(anonymiser, text, len, false, ret_text, ret_len);
}

int anonymiser_replace_path(struct anonymiser *anonymiser, const char *text, size_t len,
			    char **ret_text, size_t *ret_len)
{
	return replace(anonymiser, text, len, true, ret_text, ret_len);
}
