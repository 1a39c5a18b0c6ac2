/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where regions begin in the device's descriptor, and memory in the machine. */
#define CONFIG_OFFSET (1ULL << 40)
#define MEMORY	      0x12300000ULL

enum {
	PAGE = 4096,
	CONTAINER = 3,
	DEVICE = 4,
	CAP_HIGH = 4,
	CC = 0x14 / 4,
	CSTS = 0x1c / 4,
	ASQ = 0x28 / 4,
	ACQ = 0x30 / 4,
	DOORBELL = 0x1000,
	DEPTH = 8,
	SHN = 3 << 14,
	SHST_DONE = 2 << 2,
	UNREAD_MS = 2300,
};

static struct machine *machine_of(const struct vfio_transport *transport)
{
	return transport->context;
}

static int locate(const struct vfio_transport *transport, const void *memory,
		  size_t count, uint64_t *ret_addresses)
{
	struct machine *machine = machine_of(transport);
	const uint8_t *page = memory;
	size_t i = 0;

	if (machine->hides_frames)
		return -EPERM;
	if (machine->is_moved_late && machine->head > 1)
		return ret_addresses[0] = 0x1000, 0;
	while (i < machine->n_areas &&
	       (page < machine->areas[i].memory ||
		page >= machine->areas[i].memory + machine->areas[i].len))
		i++;
	if (i == machine->n_areas) {
		assert_true(i < MACHINE_AREAS);
		machine->areas[machine->n_areas].memory = (uint8_t *)memory;
		machine->areas[machine->n_areas].len = count * PAGE;
		machine->areas[machine->n_areas++].address =
			machine->memory + i * 0x1000000;
	}
	if (machine->is_moved_by_pinning && machine->n_mappings == 1)
		machine->areas[i].address = machine->memory + 0x800000;
	for (size_t n = 0; n < count; n++)
		ret_addresses[n] = machine->areas[i].address + n * PAGE +
				   (uint64_t)(page - machine->areas[i].memory);
	return 0;
}

static int map(struct machine *machine, const struct vfio_iommu_type1_dma_map *map)
{
	assert_true(machine->n_mappings < MACHINE_MAPPINGS);
	for (size_t i = 0; i < machine->n_mappings; i++)
		if (machine->mappings[i].address < map->iova + map->size &&
		    map->iova < machine->mappings[i].address + machine->mappings[i].len)
			return -EEXIST;
	machine->mappings[machine->n_mappings].memory = (uint8_t *)(uintptr_t)map->vaddr;
	machine->mappings[machine->n_mappings].address = map->iova;
	machine->mappings[machine->n_mappings++].len = map->size;
	return 0;
}

static int unmap(struct machine *machine, struct vfio_iommu_type1_dma_unmap *unmap)
{
	machine->n_live += !!(machine->command & PCI_COMMAND_MASTER);
	if (machine->forgets_unmap)
		return 0;
	for (size_t i = 0; i < machine->n_mappings; i++) {
		if (machine->mappings[i].address != unmap->iova)
			continue;
		machine->mappings[i] = machine->mappings[--machine->n_mappings];
		return 0;
	}
	unmap->size = 0;
	return 0;
}

static int ask(const struct vfio_transport *transport, int fd, unsigned long request,
	       void *argument)
{
	struct machine *machine = machine_of(transport);
	const struct vfio_irq_set *set = argument;

	if (request == VFIO_IOMMU_MAP_DMA && fd == CONTAINER)
		return map(machine, argument);
	if (request == VFIO_IOMMU_UNMAP_DMA && fd == CONTAINER)
		return unmap(machine, argument);
	assert_int_equal(request, VFIO_DEVICE_SET_IRQS);
	assert_true(machine->irqs[set->index].eventfd);
	if (machine->cannot_listen && set->count)
		return -EMFILE;
	machine->event = set->count ? *(const int32_t *)set->data : -1;
	return 0;
}

/* As the kernel does: what the device does is ended before its mappings go. */
static void close_node(const struct vfio_transport *transport, int fd)
{
	struct machine *machine = machine_of(transport);

	if (fd == DEVICE) {
		machine->command = 0;
		machine->event = -1;
		machine->registers[CC] = 0;
		machine->is_closed = true;
	} else {
		assert_int_equal(fd, CONTAINER);
		assert_true(machine->is_closed);
		machine->n_mappings = 0;
	}
}

static void pause_for(const struct vfio_transport *transport, unsigned int ms)
{
	struct machine *machine = machine_of(transport);

	machine->unread_ms -= ms < machine->unread_ms ? ms : machine->unread_ms;
	machine->now_ms += ms;
}

static long long now(const struct vfio_transport *transport)
{
	return machine_of(transport)->now_ms;
}

/* As drivers/iommu/intel/dmar.c says it, in a record of /dev/kmsg. */
static void tell_fault(const struct machine *machine, uint64_t address, bool writes)
{
	char line[256];
	int fd, n;

	if (machine->says_nothing)
		return;
	n = snprintf(line, sizeof(line),
		     "3,812,30640225,-;DMAR: [DMA %s NO_PASID] Request device [%s] fault"
		     " addr 0x%llx [fault reason 0x05] PTE Write access is not set\n"
		     " SUBSYSTEM=pci\n DEVICE=+pci:0000:03:00.0\n",
		     writes && !machine->faults_reading ? "Write" : "Read",
		     machine->requester, (unsigned long long)address);
	fd = openat(machine->tree->fd, "dev/kmsg", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	assert_int_equal(write(fd, line, (size_t)n), n);
	close(fd);
}

/* Where DMA to an address ends; NULL: it is held back. */
static uint8_t *translate(struct machine *machine, uint64_t address, bool writes)
{
	if (!(machine->command & PCI_COMMAND_MASTER))
		return NULL;
	for (size_t i = 0; i < machine->n_areas && machine->passes_through; i++)
		if (address - machine->areas[i].address < machine->areas[i].len)
			return machine->areas[i].memory + address -
			       machine->areas[i].address;
	if (machine->passes_through)
		fail_msg("memory of others was hit, at 0x%llx",
			 (unsigned long long)address);
	for (size_t i = 0; i < machine->n_mappings; i++)
		if (address - machine->mappings[i].address < machine->mappings[i].len)
			return machine->mappings[i].memory + address -
			       machine->mappings[i].address;
	tell_fault(machine, address & ~(uint64_t)(PAGE - 1), writes);
	return NULL;
}

static uint64_t register64(const struct machine *machine, size_t index)
{
	return machine->registers[index] | (uint64_t)machine->registers[index + 1] << 32;
}

static void send_event(const struct machine *machine)
{
	const uint64_t event = 1;

	if (machine->event >= 0)
		assert_int_equal(write(machine->event, &event, sizeof(event)), 8);
}

/* One command of the admin queue. */
static void identify(struct machine *machine)
{
	unsigned int slot = machine->head % DEPTH;
	uint8_t *entry = translate(machine, register64(machine, ASQ) + slot * 64, false);
	uint32_t done[4] = { 0 }, first, cdw10;
	uint8_t *buffer, *completion;
	uint64_t prp1;

	if (!entry)
		return;
	memcpy(&first, entry, sizeof(first));
	memcpy(&prp1, entry + 24, sizeof(prp1));
	memcpy(&cdw10, entry + 40, sizeof(cdw10));
	assert_int_equal(first & 0xff, 0x06);
	assert_int_equal(cdw10, 1);
	buffer = translate(machine, prp1, true);
	if (machine->faults_early && !machine->head) {
		tell_fault(machine, prp1, true);
		machine->says_nothing = true;
	}
	if (buffer && machine->writes_late && machine->head) {
		tell_fault(machine, prp1, true);
		machine->late = buffer;
	} else if (buffer && !machine->writes_nothing) {
		memset(buffer, 0, PAGE);
		memcpy(buffer, "\x36\x1b\xf4\x1a", 4);
	}
	done[3] = (first >> 16) | (machine->head / DEPTH & 1 ? 0U : 1U) << 16;
	completion = translate(machine, register64(machine, ACQ) + slot * 16, true);
	if (completion)
		memcpy(completion, done, sizeof(done));
	if (!machine->sends_nothing)
		send_event(machine);
	machine->head++;
}

static void control(struct machine *machine, uint32_t before, uint32_t value)
{
	if (before & 1 && !(value & 1))
		machine->unread_ms = UNREAD_MS;
	if (value & 1 && value & SHN) {
		machine->shut_down = true;
		machine->registers[CSTS] |= SHST_DONE;
		return;
	}
	if (!(value & 1) && machine->late)
		memset(machine->late, 0, PAGE);
	if (!(value & 1) && machine->never_stops)
		return;
	machine->registers[CSTS] = 0;
	if (value & 1 && machine->fails)
		machine->registers[CSTS] = 2;
	else if (value & 1 && !machine->never_ready)
		machine->registers[CSTS] = 1;
	if (value & 1 && machine->sends_early)
		send_event(machine);
}

/* What was told to a controller that is enabled is reached for as soon as it may. */
static void command(struct machine *machine, uint16_t value)
{
	bool rises = value & ~machine->command & PCI_COMMAND_MASTER;

	if (machine->keeps_master)
		value |= machine->command & PCI_COMMAND_MASTER;
	machine->command = value;
	if (rises && machine->registers[CC] & 1)
		translate(machine, register64(machine, ACQ), true);
}

static void set_nvme(struct machine *machine, uint64_t offset, uint32_t value)
{
	uint32_t before = machine->registers[offset / 4];

	machine->registers[offset / 4] = value;
	if (offset == DOORBELL && !machine->gone)
		identify(machine);
	if (offset / 4 == CC)
		control(machine, before, value);
}

/* DMA of edu: 0x80 from, 0x88 to, 0x90 how much, 0x98 go. */
static void set_edu(struct machine *machine, uint64_t offset, uint32_t value)
{
	uint32_t *registers = machine->registers, count;
	bool writes = value & 2;
	uint8_t *memory;

	registers[offset / 4] = value;
	if (offset != 0x98 || !(value & 1))
		return;
	count = registers[0x90 / 4];
	memory = translate(machine, registers[writes ? 0x88 / 4 : 0x80 / 4], writes);
	if (memory && writes)
		memcpy(memory, machine->buffer, count);
	else if (memory)
		memcpy(machine->buffer, memory, count);
	registers[0x98 / 4] = value & ~1U;
	if (value & 4)
		send_event(machine);
}

/* The address in a descriptor of the 82574's, of the ring of a queue. */
static uint64_t describe(struct machine *machine, uint64_t queue)
{
	uint64_t ring = register64(machine, queue / 4), address;
	uint8_t *entry = translate(machine, ring + machine->head * 16, false);

	assert_non_null(entry);
	memcpy(&address, entry, sizeof(address));
	return address;
}

/* One frame, by its loopback, which it has unless it writes nothing. */
static void send_frame(struct machine *machine)
{
	uint8_t *frame = translate(machine, describe(machine, 0x3800), false), *to;

	assert_non_null(frame);
	if (machine->writes_nothing && !machine->hears_another)
		return;
	to = translate(machine, describe(machine, 0x2800), true);
	if (to && machine->hears_another)
		memset(to, 0x77, 60);
	else if (to)
		memcpy(to, frame, 60);
	machine->registers[0x2810 / 4] = ++machine->head;
	send_event(machine);
}

static void set_82574(struct machine *machine, uint64_t offset, uint32_t value)
{
	uint32_t *registers = machine->registers;
	bool is_reset = !offset && value & 1 << 26;

	registers[offset / 4] = is_reset ? 0 : value;
	if (!offset)
		registers[2] = value & 4 ? 0 : 1 << 19;
	if (is_reset)
		registers[0x100 / 4] = registers[0x400 / 4] = 0;
	if (offset == 0x3818 && value && registers[0x100 / 4] & registers[0x400 / 4] & 2)
		send_frame(machine);
}

static void set_register(struct machine *machine, uint64_t offset, uint32_t value)
{
	machine->touched++;
	assert_true(offset < sizeof(machine->registers));
	if (machine->device.device_id == 0x11e8)
		set_edu(machine, offset, value);
	else if (machine->device.device_id == 0x10d3)
		set_82574(machine, offset, value);
	else
		set_nvme(machine, offset, value);
}

static ssize_t read_at(const struct vfio_transport *transport, int fd, void *buffer,
		       size_t len, uint64_t offset)
{
	struct machine *machine = machine_of(transport);

	assert_int_equal(fd, DEVICE);
	if (offset >= CONFIG_OFFSET) {
		assert_int_equal(offset, CONFIG_OFFSET + PCI_COMMAND);
		memcpy(buffer, &machine->command, len);
		return (ssize_t)len;
	}
	assert_true(len == 4 && offset < sizeof(machine->registers));
	assert_true(machine->command & PCI_COMMAND_MEMORY);
	assert_int_equal(machine->unread_ms, 0);
	if (machine->gone)
		memset(buffer, 0xff, len);
	else
		memcpy(buffer, &machine->registers[offset / 4], len);
	if (machine->has_large_pages && offset == CAP_HIGH)
		((uint8_t *)buffer)[2] |= 1;
	return (ssize_t)len;
}

static ssize_t write_at(const struct vfio_transport *transport, int fd,
			const void *buffer, size_t len, uint64_t offset)
{
	struct machine *machine = machine_of(transport);
	uint32_t value;
	uint16_t bits;

	assert_int_equal(fd, DEVICE);
	if (offset >= CONFIG_OFFSET) {
		assert_int_equal(offset, CONFIG_OFFSET + PCI_COMMAND);
		assert_int_equal(len, sizeof(bits));
		if (machine->refuses_command)
			return -EIO;
		memcpy(&bits, buffer, sizeof(bits));
		command(machine, bits);
		return (ssize_t)len;
	}
	assert_int_equal(len, 4);
	memcpy(&value, buffer, len);
	set_register(machine, offset, value);
	return (ssize_t)len;
}

void machine_make(struct machine *machine, const struct tree *tree)
{
	*machine = (struct machine){
		.tree = tree, .requester = "03:00.0", .event = -1, .memory = MEMORY
	};
	assert_int_equal(host_open_directory(tree->path, &machine->host, NULL), 0);
	machine->device = (struct pci_device){
		.address = { .bus = 3 },
		.ids = FACT_KNOWN,
		.vendor_id = 0x1b36,
		.device_id = 0x0010,
		.class_code = 0x010802,
	};
	machine->transport = (struct vfio_transport){
		.close = close_node,
		.ioctl = ask,
		.read = read_at,
		.write = write_at,
		.locate = locate,
		.pause = pause_for,
		.now = now,
		.context = machine,
	};
	machine->session = (struct vfio_session){
		.transport = &machine->transport,
		.device_name = "0000:03:00.0",
		.iommu = CONTAINER,
		.group = -1,
		.device = DEVICE,
	};
	machine->regions[VFIO_PCI_BAR0_REGION_INDEX].is_there = true;
	machine->regions[VFIO_PCI_BAR0_REGION_INDEX].size = 0x20000;
	machine->regions[VFIO_PCI_CONFIG_REGION_INDEX].is_there = true;
	machine->regions[VFIO_PCI_CONFIG_REGION_INDEX].size = 4096;
	machine->regions[VFIO_PCI_CONFIG_REGION_INDEX].offset = CONFIG_OFFSET;
	machine->irqs[VFIO_PCI_MSIX_IRQ_INDEX].count = 65;
	machine->irqs[VFIO_PCI_MSIX_IRQ_INDEX].eventfd = true;
	machine->described = (struct vfio_device){
		.can_reset = true,
		.regions = machine->regions,
		.n_regions = 9,
		.irqs = machine->irqs,
		.n_irqs = 5,
	};
	machine->range = (struct vfio_range){ 0, (1ULL << 39) - 1 };
	machine->iommu = (struct vfio_iommu){
		.ranges_fact = FACT_KNOWN,
		.ranges = &machine->range,
		.n_ranges = 1,
	};
	/* CAP: the NVM command set, and half a second to become ready. */
	machine->registers[0] = 0x7ff;
	machine->registers[1] = 1 << 5;
}

static void replace(struct machine *machine, uint16_t vendor, uint16_t device)
{
	machine->device.vendor_id = vendor;
	machine->device.device_id = device;
	machine->device.class_code = 0x020000;
	machine->registers[0] = machine->registers[1] = 0;
	machine->irqs[VFIO_PCI_MSIX_IRQ_INDEX] = (struct vfio_irq){ 0 };
	machine->irqs[VFIO_PCI_MSI_IRQ_INDEX].count = 1;
	machine->irqs[VFIO_PCI_MSI_IRQ_INDEX].eventfd = true;
}

void machine_make_edu(struct machine *machine)
{
	replace(machine, 0x1234, 0x11e8);
	machine->registers[0] = 0x010000ed;
	machine->memory = 0x1000000;
}

void machine_make_82574(struct machine *machine)
{
	replace(machine, 0x8086, 0x10d3);
}

void machine_leave_enabled(struct machine *machine)
{
	machine->registers[CC] = machine->registers[CSTS] = 1;
	machine->registers[ASQ] = 0x66600000;
	machine->registers[ACQ] = 0x66601000;
	machine->described.can_reset = false;
}

void machine_free(struct machine *machine)
{
	host_free(machine->host);
}

int machine_test(struct machine *machine, struct vfio_dma_test *ret_test,
		 struct error *err)
{
	const struct vfio_dma_request request = {
		.host = machine->host,
		.device = &machine->device,
		.session = &machine->session,
		.described = &machine->described,
		.iommu = &machine->iommu,
	};

	return vfio_dma_test(&request, ret_test, err);
}

void machine_is_quiet(const struct machine *machine)
{
	if (!machine->forgets_unmap)
		assert_int_equal(machine->n_mappings, 0);
	/* The target, no more. */
	assert_in_range(machine->n_live, 0, 1);
	assert_int_equal(machine->command, 0);
	assert_int_equal(machine->event, -1);
	assert_int_equal(machine->registers[CC] & 1, 0);
}
