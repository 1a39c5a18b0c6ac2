/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/anonymise.h"

static int setup(void **state)
{
	*state = anonymiser_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	anonymiser_free(*state);
	return 0;
}

static void learn(struct anonymiser *anonymiser, const char *path, const char *text)
{
	assert_int_equal(anonymiser_learn(anonymiser, path, text, strlen(text)), 0);
}

/* Cut to what is compared; in one of two places in turn. */
static const char *replace(struct anonymiser *anonymiser, const char *text)
{
	static char kept[2][4096];
	static int turn;
	char *out = NULL;
	size_t len = 0;

	turn = !turn;
	assert_int_equal(anonymiser_replace(anonymiser, text, strlen(text), &out, &len),
			 0);
	assert_int_equal(strlen(out), len);
	assert_true(len < sizeof(kept[0]));
	memcpy(kept[turn], out, len + 1);
	free(out);
	return kept[turn];
}

static void what_tells_whose_host_it_is_does_not_leave_it(void **state)
{
	static const char *const secrets[] = {
		"52:54:00:ab:cd:ef",
		"52:54:00:AB:CD:EF",
		"01-52-54-00-ab-cd-ef",
		"00:11:22:33:44:55:66:77",
		"80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1",
		"enx525400abcdef",
		"wlx525400abcdef",
		"192.0.2.177",
		"10.1.2.3",
		"2001:db8:1234:5678:9abc:def0:1234:5678",
		"2001:db8::7",
		"fe80::5054:ff:feab:cdef",
		"::ffff:192.0.2.1",
		"6ba7b810-9dad-41d1-80b4-00c04fd430c8",
		"4C4C4544-0042-3510-8056-B2C04F4D5931",
	};
	/* What a text may have before and behind. */
	static const char *const around[][2] = {
		{ "", "" },	    { "x ", " y" },   { "=", "," },   { "(", ")" },
		{ "root@", "/24" }, { "is ", ".\n" }, { "\"", "\"" }, { "", ": up" },
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		for (size_t j = 0; j < ARRAY_SIZE(around); j++) {
			const char *out;

			snprintf(text, sizeof(text), "%s%s%s", around[j][0], secrets[i],
				 around[j][1]);
			out = replace(*state, text);
			if (strstr(out, secrets[i]))
				fail_msg("%s is in: %s", secrets[i], out);
			assert_memory_equal(out, around[j][0], strlen(around[j][0]));
			assert_string_equal(out + strlen(out) - strlen(around[j][1]),
					    around[j][1]);
		}
}

static void an_address_before_a_colon_is_one_too(void **state)
{
	assert_string_equal(replace(*state, "192.0.2.1:3260"), "198.18.0.1:3260");
	assert_string_equal(replace(*state,
				    "ip=192.0.2.7::192.0.2.1:255.255.255.0:a:eth0:off"),
			    "ip=198.18.0.2::198.18.0.1:255.255.255.0:a:eth0:off");
}

static void what_only_looks_like_one_stays_for_the_reader(void **state)
{
	static const char text[] =
		"0000:82:00.0 0000:00:1f.3 82:00.0 10de:1b39/10de:1217 127.0.0.1 0.0.0.0 "
		"::1 :: ::/0 00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 255.255.255.0 6.1.0-13 "
		"535.183.01 1.2.3 1.2.3.4.5 1.2.3.4-rc1 2:1.2.3-4 256.1.1.1 12:34:56 254:0 "
		"pci:v00008086d00001521sv0000103Csd0000337Fbc02sc00i00 [bus 00-ff] "
		"input3::capslock 6ba7b810-9dad-41d1-80b4 enx52540 enxhalt "
		"0x0000004000000000 80000000-8fffffff DMAR: DRHD base: 0x000000fed90000 "
		"deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

	assert_string_equal(replace(*state, text), text);
	assert_string_equal(replace(*state, ""), "");
}

static void the_same_becomes_the_same_and_others_stay_others(void **state)
{
	char text[64], first[64];

	snprintf(first, sizeof(first), "%s", replace(*state, "52:54:00:ab:cd:ef"));
	assert_string_equal(replace(*state, "52:54:00:AB:CD:EF"), first);
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "02:00:01:00:%02x:%02x", i >> 8, i & 255);
		assert_string_not_equal(replace(*state, text), first);
		snprintf(text, sizeof(text), "192.0.%d.%d", i >> 8, i & 255);
		assert_string_not_equal(replace(*state, text), text);
	}
	assert_string_equal(replace(*state, "52:54:00:ab:cd:ef"), first);
	/* Of a link-local address, the program looks at that it is one. */
	assert_memory_equal(replace(*state, "fe80::1:2"), "fe80::", 6);
}

static void a_serial_number_is_known_by_where_it_stands(void **state)
{
	learn(*state, "sys/devices/nvme0/serial", "S4EVNX0R123456   \n");
	learn(*state, "run/udev/data/b259:0",
	      "S:disk/by-id/x\nE:ID_SERIAL=Samsung_970_S4EVNX0R123456\n"
	      "E:ID_WWN=eui.0025385b71b00f1a\nE:ID_MODEL=Samsung_970\n");
	assert_string_equal(replace(*state, "S4EVNX0R123456"), "S0000000000001");
	assert_string_equal(replace(*state, "a-S4EVNX0R123456-part1"),
			    "a-S0000000000001-part1");
	assert_null(strstr(replace(*state, "nvme-Samsung_970_S4EVNX0R123456"), "S4EV"));
	assert_null(strstr(replace(*state, "nvme-eui.0025385b71b00f1a"), "0025385b"));
	/* The beginning of another word, and what is no secret. */
	assert_string_equal(replace(*state, "S4EVNX0R1234567 Samsung_970"),
			    "S4EVNX0R1234567 Samsung_970");
	/* A file of that name in lower case tells as much. */
	assert_string_equal(replace(*state, "s4evnx0r123456"), "S0000000000001");
}

static void a_short_uuid_is_known_by_its_key(void **state)
{
	learn(*state, "run/udev/data/b8:1",
	      "E:ID_FS_UUID=ABCD-1234\n"
	      "E:ID_PART_ENTRY_UUID=1a2b3c4d-01\n");
	learn(*state, "etc/fstab", "UUID=\"01D5F3A2B4C6E8F0\" /mnt ntfs\n");
	learn(*state, "etc/default/grub", "GRUB_DISABLE_LINUX_UUID=disabled\n");
	assert_null(strstr(replace(*state, "root=UUID=ABCD-1234 ro"), "ABCD"));
	assert_null(strstr(replace(*state, "S:disk/by-uuid/ABCD-1234\n"), "ABCD"));
	assert_null(strstr(replace(*state, "PARTUUID=1a2b3c4d-01"), "1a2b3c4d"));
	assert_null(strstr(replace(*state, "/01D5F3A2B4C6E8F0 "), "01D5F3A2"));
	assert_string_equal(replace(*state, "disabled"), "disabled");
}

static void a_senseless_serial_number_does_not_change_addresses(void **state)
{
	static const char *const senseless[] = { "0000",     "1234", "0",
						 "",	     "\n",   "00000000",
						 "FFFFFFFF", "None", "two\nlines" };
	static const char text[] =
		"0000:01:00.0 1234:0010 00000000 FFFFFFFF None two lines";

	for (size_t i = 0; i < ARRAY_SIZE(senseless); i++) {
		learn(*state, "sys/x/serial", senseless[i]);
		learn(*state, "proc/sys/kernel/hostname",
		      i < 6 && i > 1 ? senseless[i] : "");
	}
	assert_string_equal(replace(*state, text), text);
}

static void the_hosts_name_goes_as_a_word_and_stays_in_paths(void **state)
{
	char *path = NULL;
	size_t len = 0;

	learn(*state, "proc/sys/kernel/hostname", "atlas.example.org\n");
	assert_string_equal(replace(*state, "(root@atlas) atlas.example.org ATLAS"),
			    "(root@host2) host1 host2");
	assert_string_equal(replace(*state, "atlas-vg atlasx matlas"),
			    "host2-vg atlasx matlas");
	assert_int_equal(
		anonymiser_replace_path(*state, "drivers/atlas", 13, &path, &len), 0);
	assert_string_equal(path, "drivers/atlas");
	free(path);
	assert_int_equal(anonymiser_replace_path(*state, "net/enx525400abcdef", 19, &path,
						 &len),
			 0);
	assert_null(strstr(path, "525400abcdef"));
	assert_int_equal(strlen(path), 19);
	free(path);
}

static void a_usual_name_does_not_garble_every_text(void **state)
{
	static const char text[] = "Linux version 6.1 localhost ID=debian";

	learn(*state, "proc/sys/kernel/hostname", "linux\n");
	learn(*state, "etc/hostname", "Debian\n");
	learn(*state, "x/hostname", "localhost\n");
	assert_string_equal(replace(*state, text), text);
}

static void bytes_of_any_kind_and_length_come_out(void **state)
{
	static const char some[] = "\xff\xfe 192.0.2.9 \x1b[2J";
	char text[2048], *out = NULL;
	size_t len = 0;

	assert_string_equal(replace(*state, some), "\xff\xfe 198.18.0.1 \x1b[2J");
	/* Each grows: fe80::1:2 would not, 1.1.1.1 becomes 198.18.0.x. */
	for (size_t i = 0; i + 8 < sizeof(text); i += 8)
		memcpy(text + i, "1.1.1.1 ", 8);
	assert_int_equal(anonymiser_replace(*state, text, 2040, &out, &len), 0);
	assert_int_equal(len, 2040 / 8 * strlen("198.18.0.2 "));
	assert_memory_equal(out + len - 11, "198.18.0.2 ", 11);
	free(out);
	/* No more than it was told to read: the bytes of a file end with no NUL. */
	assert_int_equal(anonymiser_replace(*state, "192.0.2.99", 9, &out, &len), 0);
	assert_string_equal(out, "198.18.0.1");
	free(out);
}

#define ANONYMISER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ANONYMISER_TEST(what_tells_whose_host_it_is_does_not_leave_it),
		ANONYMISER_TEST(an_address_before_a_colon_is_one_too),
		ANONYMISER_TEST(what_only_looks_like_one_stays_for_the_reader),
		ANONYMISER_TEST(the_same_becomes_the_same_and_others_stay_others),
		ANONYMISER_TEST(a_serial_number_is_known_by_where_it_stands),
		ANONYMISER_TEST(a_short_uuid_is_known_by_its_key),
		ANONYMISER_TEST(a_senseless_serial_number_does_not_change_addresses),
		ANONYMISER_TEST(the_hosts_name_goes_as_a_word_and_stays_in_paths),
		ANONYMISER_TEST(a_usual_name_does_not_garble_every_text),
		ANONYMISER_TEST(bytes_of_any_kind_and_length_come_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
