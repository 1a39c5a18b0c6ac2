/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/cpio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Header and name together, and the content, are filled up to four bytes. */
static size_t padding_of(size_t len)
{
	return -len & 3;
}

static void go_on(struct bootcfg_cpio *cpio, int state, size_t need)
{
	cpio->state = state;
	cpio->have = 0;
	cpio->need = need;
}

static int refuse(struct bootcfg_cpio *cpio, const char *problem)
{
	cpio->problem = problem;
	return -EINVAL;
}

/* Eight hexadecimal digits each, behind the magic number. */
static int take_header(struct bootcfg_cpio *cpio)
{
	struct bootcfg_cpio_member *member = &cpio->member;
	uint32_t fields[13];
	size_t name_size;

	if (memcmp(cpio->header, "07070", 5) != 0 ||
	    (cpio->header[5] != '1' && cpio->header[5] != '2'))
		return refuse(cpio, "it holds an archive of another format than newc");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (text_parse_hex(cpio->header + 6 + 8 * i, 8, &fields[i]) < 0)
			return refuse(cpio, "the header of a member is damaged");
	*member = (struct bootcfg_cpio_member){
		.name = cpio->name,
		.inode = fields[0],
		.mode = fields[1],
		.links = fields[4],
		.size = fields[6],
		.major = fields[7],
		.minor = fields[8],
	};
	name_size = fields[11];
	if (!name_size || name_size > CPIO_NAME_MAX)
		return refuse(cpio, "a member has no name, or too long a one");
	cpio->padding = padding_of(CPIO_HEADER_SIZE + name_size);
	go_on(cpio, CPIO_NAME, name_size);
	return 0;
}

static int take_name(struct bootcfg_cpio *cpio)
{
	const struct bootcfg_cpio_member *member = &cpio->member;

	if (cpio->name[cpio->need - 1])
		return refuse(cpio, "the name of a member has no end");
	cpio->is_last = !strcmp(cpio->name, "TRAILER!!!");
	if (!cpio->is_last && member->size <= CPIO_CONTENT_MAX &&
	    cpio->wants(member, cpio->argument)) {
		cpio->content = malloc(member->size + 1);
		if (!cpio->content)
			return -ENOMEM;
	}
	return 0;
}

static int take_content(struct bootcfg_cpio *cpio)
{
	int r = 0;

	if (cpio->content)
		cpio->content[cpio->member.size] = '\0';
	if (!cpio->is_last)
		r = cpio->take(&cpio->member, cpio->content, cpio->argument);
	free(steal(cpio->content));
	return r;
}

/* What came is whole: what comes next. */
static int step(struct bootcfg_cpio *cpio)
{
	int r = 0;

	switch (cpio->state) {
	case CPIO_REST:
		break;
	case CPIO_HEADER:
		return take_header(cpio);
	case CPIO_NAME:
		r = take_name(cpio);
		go_on(cpio, CPIO_CONTENT, cpio->padding + cpio->member.size);
		break;
	case CPIO_CONTENT:
		r = take_content(cpio);
		go_on(cpio, CPIO_PADDING, padding_of(cpio->member.size));
		break;
	case CPIO_PADDING:
		if (cpio->is_last)
			cpio->end(cpio->argument);
		go_on(cpio, cpio->is_last ? CPIO_REST : CPIO_HEADER, CPIO_HEADER_SIZE);
		break;
	}
	return r;
}

/* Where bytes that come now are put; NULL: nowhere. *ret_room: at most so many. */
static char *find_place(struct bootcfg_cpio *cpio, size_t *ret_room)
{
	*ret_room = cpio->need - cpio->have;
	if (cpio->state == CPIO_HEADER)
		return cpio->header + cpio->have;
	if (cpio->state == CPIO_NAME)
		return cpio->name + cpio->have;
	if (cpio->state != CPIO_CONTENT)
		return NULL;
	/* The padding behind the name comes first. */
	if (cpio->have < cpio->padding) {
		*ret_room = cpio->padding - cpio->have;
		return NULL;
	}
	return cpio->content ? cpio->content + cpio->have - cpio->padding : NULL;
}

/* Returns how many bytes between two archives are passed over. */
static size_t rest(struct bootcfg_cpio *cpio, const char *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && !bytes[n])
		n++;
	if (n < len && bytes[n] == '0')
		go_on(cpio, CPIO_HEADER, CPIO_HEADER_SIZE);
	return n;
}

int bootcfg_cpio_parse(struct bootcfg_cpio *cpio, const char *bytes, size_t len,
		       size_t *ret_used)
{
	size_t used = 0;
	int r = 0;

	while (r == 0 && used < len) {
		size_t n = len - used, room;
		char *place;

		if (cpio->state == CPIO_REST) {
			used += rest(cpio, bytes + used, n);
			if (cpio->state == CPIO_REST)
				break;
			continue;
		}
		place = find_place(cpio, &room);
		n = n < room ? n : room;
		if (place)
			memcpy(place, bytes + used, n);
		cpio->have += n;
		used += n;
		while (r == 0 && cpio->state != CPIO_REST && cpio->have == cpio->need)
			r = step(cpio);
	}
	*ret_used = used;
	return r;
}

bool bootcfg_cpio_is_whole(const struct bootcfg_cpio *cpio)
{
	return cpio->state == CPIO_REST ||
	       (cpio->state == CPIO_HEADER && cpio->have == 0);
}

void bootcfg_cpio_free(struct bootcfg_cpio *cpio)
{
	free(steal(cpio->content));
}
