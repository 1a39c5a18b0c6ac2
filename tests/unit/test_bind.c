/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bind/internal.h"

static void a_damaged_record_is_not_believed(void **state)
{
	struct bind_record record = { .identity = "10de:1b39/10de:1217",
				      .first = { .driver = "nvidia", .override = "" } };
	struct bind_record read = { .identity = "unchanged" };
	char *text = bind_record_format(&record);
	size_t whole = strlen(text);

	(void)state;
	for (size_t len = 0; len < whole; len++)
		assert_int_equal(bind_record_parse(text, len, &read), -EINVAL);
	assert_string_equal(read.identity, "unchanged");
	assert_int_equal(bind_record_parse(text, whole, &read), 0);
	assert_string_equal(read.identity, record.identity);
	assert_string_equal(read.first.driver, "nvidia");
	assert_string_equal(read.first.override, "");
	text[12] = '\0';
	assert_int_equal(bind_record_parse(text, whole, &read), -EINVAL);
	free(text);
	text = malloc(512);
	memset(text, 'x', 512);
	memcpy(text, "identity ", 9);
	text[511] = '\n';
	assert_int_equal(bind_record_parse(text, 512, &read), -EINVAL);
	free(text);
}

static void no_other_driver_can_get_in_between(void **state)
{
	struct bind_member member = { .address = { .bus = 1 } };
	struct bind_state host = { .driver = "nvme" };
	struct bind_state guest = { .driver = "vfio-pci", .override = "vfio-pci" };
	struct change_steps steps = { 0 };

	(void)state;
	assert_int_equal(bind_add_steps(&steps, &member, &host, &guest), 0);
	assert_int_equal(steps.count, 3);
	assert_string_equal(steps.items[0].target,
			    "sys/bus/pci/devices/0000:01:00.0/driver_override");
	assert_string_equal(steps.items[0].value, "vfio-pci\n");
	assert_string_equal(steps.items[1].target, "sys/bus/pci/drivers/nvme/unbind");
	assert_null(steps.items[1].link_name);
	assert_string_equal(steps.items[2].target, "sys/bus/pci/drivers/vfio-pci/bind");
	assert_string_equal(steps.items[2].link_name, "vfio-pci");
	change_steps_free(&steps);
	assert_int_equal(bind_add_steps(&steps, &member, &guest, &host), 0);
	assert_int_equal(steps.count, 3);
	assert_string_equal(steps.items[0].value, "\n");
	assert_string_equal(steps.items[2].target, "sys/bus/pci/drivers/nvme/bind");
	change_steps_free(&steps);
}

static void from_any_state_only_what_is_missing_is_done(void **state)
{
	struct bind_member member = { .address = { .bus = 1 } };
	struct bind_state guest = { .driver = "vfio-pci", .override = "vfio-pci" };
	struct bind_state between = { .driver = "", .override = "vfio-pci" };
	struct bind_state nothing = { .driver = "", .override = "" };
	struct change_steps steps = { 0 };

	(void)state;
	assert_int_equal(bind_add_steps(&steps, &member, &guest, &guest), 0);
	assert_int_equal(steps.count, 0);
	assert_int_equal(bind_add_steps(&steps, &member, &between, &guest), 0);
	assert_int_equal(steps.count, 1);
	assert_string_equal(steps.items[0].target, "sys/bus/pci/drivers/vfio-pci/bind");
	change_steps_free(&steps);
	/* Without a driver at first: it ends without one. */
	assert_int_equal(bind_add_steps(&steps, &member, &guest, &nothing), 0);
	assert_int_equal(steps.count, 2);
	assert_string_equal(steps.items[1].target, "sys/bus/pci/drivers/vfio-pci/unbind");
	change_steps_free(&steps);
	/* Not taken by pciferry: the kernel chooses. */
	member.let_kernel_choose = true;
	assert_int_equal(bind_add_steps(&steps, &member, &guest, &nothing), 0);
	assert_int_equal(steps.count, 3);
	assert_string_equal(steps.items[2].target, "sys/bus/pci/drivers_probe");
	change_steps_free(&steps);
}

/* What is kept of settings is what a person would write. */
static void settings_are_read_as_they_are_written(void **state)
{
	static const char *const texts[] = {
		"",
		"reset_method=device_specific,acpi,flr,af_flr,pm,bus,cxl_bus",
		"reset_method=none d3cold_allowed=0 bar0=1M bar5=8T power_control=auto",
		"bar1=512M bar2=1G bar3=16G bar4=1T",
	};
	char text[BIND_SETTINGS_TEXT_SIZE];
	struct bind_settings settings;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(bind_settings_parse(texts[i], &settings, NULL), 0);
		assert_string_equal(bind_settings_format(&settings, text), texts[i]);
	}
	/* As the attribute has them. */
	assert_int_equal(bind_settings_parse("bar1=256M reset_method=flr,bus", &settings,
					     NULL),
			 0);
	assert_string_equal(settings.values[SETTING_BAR0 + 1], "8");
	assert_string_equal(settings.values[SETTING_RESET_METHOD], "flr bus");
}

static void a_bar_of_another_size_takes_the_driver_off_for_a_moment(void **state)
{
	struct bind_member member = { .address = { .bus = 1 } };
	struct bind_state from = { .driver = "vfio-pci", .override = "vfio-pci" };
	struct bind_state to = from;
	struct change_steps steps = { 0 };

	(void)state;
	bind_settings_parse("bar1=64M reset_method=bus", &from.settings, NULL);
	bind_settings_parse("bar1=256M reset_method=bus", &to.settings, NULL);
	assert_int_equal(bind_add_steps(&steps, &member, &from, &to), 0);
	assert_int_equal(steps.count, 3);
	assert_string_equal(steps.items[0].target, "sys/bus/pci/drivers/vfio-pci/unbind");
	assert_string_equal(steps.items[1].target,
			    "sys/bus/pci/devices/0000:01:00.0/resource1_resize");
	assert_string_equal(steps.items[1].value, "8\n");
	assert_string_equal(steps.items[2].target, "sys/bus/pci/drivers/vfio-pci/bind");
	change_steps_free(&steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_record_is_not_believed),
		cmocka_unit_test(no_other_driver_can_get_in_between),
		cmocka_unit_test(from_any_state_only_what_is_missing_is_done),
		cmocka_unit_test(settings_are_read_as_they_are_written),
		cmocka_unit_test(a_bar_of_another_size_takes_the_driver_off_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
