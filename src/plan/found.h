/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_FOUND_H
#define PCIFERRY_PLAN_FOUND_H

/*
 * Settings that a person once made by hand for the same purpose: found, told, and, if
 * asked for, taken out, since the tab says the same better. For this room alone.
 */
#include "boot/boot.h"
#include "bootcfg/modprobe.h"
#include "plan/internal.h"

struct plan_setting {
	struct plan_found shown;
	bool binds;	    /* by IDs */
	bool serves_others; /* is of use as long as something binds by IDs */

	/* Where it is: a word of the kernel's command line, or a part of a file. */
	char *word, *instead; /* what stands in the word's place then; "": nothing */
	char *file;	      /* NULL: it is a word */
	unsigned int line;    /* 0: the whole file */
	const char *list;     /* NULL: the whole line */
	struct string_list items;
};

struct plan_settings {
	struct plan_setting *items;
	size_t count;
	struct string_list seen; /* words of command lines */
	bool keeps_ids;		 /* something binds by IDs that are no member's */
};

/* Which drivers are for which device, by the modules.alias of one kernel. */
struct plan_claims {
	const struct plan_view *view;
	char *aliases; /* NULL: they could not be read */
	size_t len;
};
void plan_claims_read(const struct plan_view *view, struct plan_claims *ret_claims);
void plan_claims_free(struct plan_claims *claims);

/*
 * The devices that a module is for, as addresses: those of the plan, and, if it is for
 * one of them at all, the others. Returns 0 or -ENOMEM.
 */
int plan_claims_find(const struct plan_claims *claims, const struct plan *plan,
		     const char *module, struct string_list *ret_members,
		     struct string_list *ret_others);

/*
 * Adds a setting, whose texts are taken, also on failure; its meaning is the format. A
 * file that is not below /etc cannot be adopted. Returns 0 or -ENOMEM.
 */
int plan_add_setting(struct plan_settings *settings, struct plan_setting *setting,
		     const char *format, ...) __attribute__((format(printf, 3, 4)));
void plan_setting_free(struct plan_setting *setting); /* what it holds */

/* Where a line is, and what stands there. Returns 0 or -ENOMEM. */
int plan_take_line(const struct bootcfg_modprobe_line *line, const char *command,
		   struct plan_setting *setting);

/*
 * The same of a word of the command line, "name=list"; with setting->word NULL where it
 * was seen before. Then what stands there without setting->items.
 */
int plan_take_word(struct plan_settings *settings, const struct bootcfg_parameter *word,
		   struct plan_setting *setting);
int plan_shorten_word(const struct bootcfg_parameter *word, struct plan_setting *setting);

/* Each adds what it finds. Returns 0 or -ENOMEM. */
int plan_find_ids(const struct plan_view *view, const struct plan *plan,
		  struct plan_settings *settings);
int plan_find_modules(const struct plan_view *view, const struct plan *plan,
		      struct plan_settings *settings);
int plan_find_overrides(const struct plan_view *view, const struct plan *plan,
			struct plan_settings *settings);

/* All of it; then decides what is adopted. Returns 0 or -errno. */
int plan_settings_find(const struct plan_view *view, const struct plan_options *options,
		       struct plan *plan, struct plan_settings *ret_settings,
		       struct error *err);
void plan_settings_free(struct plan_settings *settings); /* takes NULL */

/* The edits of files, and the words of the command line, of what is adopted. */
int plan_adopt_files(const struct plan_view *view, const struct plan_settings *settings,
		     struct plan *plan, struct error *err);
int plan_adopt_words(const struct plan_settings *settings,
		     struct boot_parameters *parameters);

/* Moves what was found into the plan, to be shown. Returns 0 or -ENOMEM. */
int plan_show_settings(struct plan_settings *settings, struct plan *plan);

#endif
