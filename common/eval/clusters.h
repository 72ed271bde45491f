/* SPDX-License-Identifier: MIT */
/*
 * clusters: how well mentions were put together, whatever the groups are
 * called: B-cubed and CEAF, as TAC's NIL clustering and neleval count them.
 *
 *     struct bl_clustering c;
 *     bl_clusters_measure(gold, answer, n, &c);
 *
 * Precision is p_num / p_den, recall r_num / r_den.
 *
 *     B-cubed     for each mention, the share of its answered (gold) group
 *                 that is in its gold (answered) group, too (Bagga and
 *                 Baldwin 1998)
 *     CEAF        the best one-to-one alignment of answered and gold groups,
 *                 by the mentions that two have in common ("mention", phi 3),
 *                 or twice their number over the sizes of both ("entity",
 *                 phi 4; Luo 2005)
 */
#ifndef BL_CLUSTERS_H
#define BL_CLUSTERS_H

#include <stddef.h>
#include <stdint.h>

#define BL_CLUSTER_NONE UINT32_MAX      /* the mention is not there */

struct bl_cluster_sums {
    double p_num, p_den, r_num, r_den;
};

struct bl_clustering {
    struct bl_cluster_sums b_cubed, ceaf_mention, ceaf_entity;
};

/* gold[n] and answer[n]: numbers of groups, any below n.  The alignment takes
 * time that grows with the cube of the groups that are linked through common
 * mentions. */
void bl_clusters_measure(const uint32_t *gold, const uint32_t *answer,
                         size_t n, struct bl_clustering *out);

#endif
