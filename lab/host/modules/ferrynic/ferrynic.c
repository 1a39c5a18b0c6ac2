/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network card with virtual functions that carries no packet, for the virtual host.
 *
 * QEMU 7.2 has no such card. This driver takes whatever physical function it is bound to
 * (driver_override), has the kernel make real virtual functions of it, and registers an
 * interface that takes what can be set of them and tells it again. Nothing reaches a
 * device: what a real card would do with a setting is not shown by this.
 *
 * Its parameters can be written at run time, /sys/module/ferrynic/parameters. Each of the
 * first four names one setting: mac, vlan, trust or spoofchk.
 */
#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/pci.h>

#define MAX_FUNCTIONS 64

static char unsupported[16];
module_param_string(unsupported, unsupported, sizeof(unsupported), 0644);
MODULE_PARM_DESC(unsupported, "the setting that it does not support");

static char refused[16];
module_param_string(refused, refused, sizeof(refused), 0644);
MODULE_PARM_DESC(refused, "the setting that it refuses for function 1, once");

static char ignored[16];
module_param_string(ignored, ignored, sizeof(ignored), 0644);
MODULE_PARM_DESC(ignored, "the setting that it takes and forgets");

static char hangs[16];
module_param_string(hangs, hangs, sizeof(hangs), 0644);
MODULE_PARM_DESC(hangs, "the setting in which it hangs, with the network's lock, until"
			" another is written here");

static bool needs_up;
module_param(needs_up, bool, 0644);
MODULE_PARM_DESC(needs_up, "it refuses all of them while its interface is down");

struct ferrynic_function {
	u8 mac[ETH_ALEN];
	u16 vlan;
	u8 qos;
	__be16 proto;
	bool trusted;
	bool spoofchk;
};

struct ferrynic {
	struct pci_dev *pdev;
	struct ferrynic_function functions[MAX_FUNCTIONS];
};

/* Returns the function, NULL where the setting is to be forgotten, or an error. */
static struct ferrynic_function *function_of(struct net_device *dev, int vf,
					     const char *setting)
{
	struct ferrynic *nic = netdev_priv(dev);

	while (sysfs_streq(hangs, setting))
		msleep(20);
	if (sysfs_streq(unsupported, setting))
		return ERR_PTR(-EOPNOTSUPP);
	if (vf < 0 || vf >= pci_num_vf(nic->pdev))
		return ERR_PTR(-EINVAL);
	if (needs_up && !netif_running(dev))
		return ERR_PTR(-ENETDOWN);
	if (vf == 1 && sysfs_streq(refused, setting)) {
		refused[0] = '\0';
		return ERR_PTR(-EPERM);
	}
	if (sysfs_streq(ignored, setting))
		return NULL;
	return &nic->functions[vf];
}

static int set_mac(struct net_device *dev, int vf, u8 *mac)
{
	struct ferrynic_function *function = function_of(dev, vf, "mac");

	if (IS_ERR_OR_NULL(function))
		return PTR_ERR_OR_ZERO(function);
	ether_addr_copy(function->mac, mac);
	return 0;
}

static int set_vlan(struct net_device *dev, int vf, u16 vlan, u8 qos, __be16 proto)
{
	struct ferrynic_function *function = function_of(dev, vf, "vlan");

	if (IS_ERR_OR_NULL(function))
		return PTR_ERR_OR_ZERO(function);
	if (vlan >= VLAN_N_VID || qos > 7)
		return -EINVAL;
	function->vlan = vlan;
	function->qos = qos;
	function->proto = proto;
	return 0;
}

static int set_trust(struct net_device *dev, int vf, bool setting)
{
	struct ferrynic_function *function = function_of(dev, vf, "trust");

	if (IS_ERR_OR_NULL(function))
		return PTR_ERR_OR_ZERO(function);
	function->trusted = setting;
	return 0;
}

static int set_spoofchk(struct net_device *dev, int vf, bool setting)
{
	struct ferrynic_function *function = function_of(dev, vf, "spoofchk");

	if (IS_ERR_OR_NULL(function))
		return PTR_ERR_OR_ZERO(function);
	function->spoofchk = setting;
	return 0;
}

static int get_config(struct net_device *dev, int vf, struct ifla_vf_info *info)
{
	struct ferrynic *nic = netdev_priv(dev);
	const struct ferrynic_function *function;

	if (vf < 0 || vf >= pci_num_vf(nic->pdev))
		return -EINVAL;
	function = &nic->functions[vf];
	info->vf = vf;
	ether_addr_copy(info->mac, function->mac);
	info->vlan = function->vlan;
	info->qos = function->qos;
	info->vlan_proto = function->proto;
	info->spoofchk = function->spoofchk;
	/* As of a driver that cannot tell, see rtnl_fill_vfinfo() in
	 * net/core/rtnetlink.c. */
	if (!sysfs_streq(unsupported, "trust"))
		info->trusted = function->trusted;
	return 0;
}

static netdev_tx_t drop(struct sk_buff *skb, struct net_device *dev)
{
	dev_kfree_skb_any(skb);
	dev->stats.tx_dropped++;
	return NETDEV_TX_OK;
}

static const struct net_device_ops operations = {
	.ndo_start_xmit = drop,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_set_vf_mac = set_mac,
	.ndo_set_vf_vlan = set_vlan,
	.ndo_set_vf_trust = set_trust,
	.ndo_set_vf_spoofchk = set_spoofchk,
	.ndo_get_vf_config = get_config,
};

/* New functions are as those of a card that was just reset. */
static int configure(struct pci_dev *pdev, int count)
{
	struct ferrynic *nic = netdev_priv(pci_get_drvdata(pdev));
	int i, r;

	if (count > MAX_FUNCTIONS)
		return -ERANGE;
	if (!count) {
		pci_disable_sriov(pdev);
		return 0;
	}
	memset(nic->functions, 0, sizeof(nic->functions));
	for (i = 0; i < MAX_FUNCTIONS; i++) {
		nic->functions[i].spoofchk = true;
		nic->functions[i].proto = htons(ETH_P_8021Q);
	}
	r = pci_enable_sriov(pdev, count);
	return r < 0 ? r : count;
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct net_device *dev;
	struct ferrynic *nic;
	int r;

	/* A virtual function is nothing that this could drive. */
	if (pdev->is_virtfn)
		return -ENODEV;
	r = pcim_enable_device(pdev);
	if (r < 0)
		return r;
	dev = alloc_etherdev(sizeof(*nic));
	if (!dev)
		return -ENOMEM;
	SET_NETDEV_DEV(dev, &pdev->dev);
	dev->netdev_ops = &operations;
	eth_hw_addr_random(dev);
	nic = netdev_priv(dev);
	nic->pdev = pdev;
	pci_set_drvdata(pdev, dev);
	r = register_netdev(dev);
	if (r < 0)
		free_netdev(dev);
	return r;
}

static void leave(struct pci_dev *pdev)
{
	struct net_device *dev = pci_get_drvdata(pdev);

	pci_disable_sriov(pdev);
	unregister_netdev(dev);
	free_netdev(dev);
}

static struct pci_driver ferrynic_driver = {
	.name = "ferrynic",
	.probe = probe,
	.remove = leave,
	.sriov_configure = configure,
};
module_pci_driver(ferrynic_driver);

MODULE_DESCRIPTION("a network card of the virtual host, whose functions can be set");
MODULE_LICENSE("GPL");
