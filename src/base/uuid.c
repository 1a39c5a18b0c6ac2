/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/uuid.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>

int uuid_parse(const char *text, size_t len, char ret_uuid[UUID_SIZE])
{
	char uuid[UUID_SIZE];

	if (len != UUID_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return -EINVAL;
		uuid[i] = (char)tolower((unsigned char)text[i]);
	}
	for (size_t i = 0; i < len; i++)
		ret_uuid[i] = uuid[i];
	ret_uuid[len] = '\0';
	return 0;
}

int uuid_make(char ret_uuid[UUID_SIZE])
{
	unsigned char bytes[16];
	size_t len = 0;

	/* As many at once are never cut short (getrandom(2)). */
	if (getrandom(bytes, sizeof(bytes), 0) < 0)
		return -errno;
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(bytes); i++)
		len += (size_t)snprintf(ret_uuid + len, UUID_SIZE - len, "%s%02x",
					i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
					bytes[i]);
	return 0;
}
