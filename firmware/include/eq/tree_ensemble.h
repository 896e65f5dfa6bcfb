/* Ensembles of decision trees. */
#ifndef EQ_TREE_ENSEMBLE_H
#define EQ_TREE_ENSEMBLE_H

#include <stdint.h>

/* A tree is a run of words, its first node first. A node whose first word has the bit 0x8000 is a leaf; else it
 * decides:
 *
 *   word 0    the feature; of features in int8, up to 128 of them, in the upper byte, with the threshold in the lower
 *   words     the threshold, lower word first: one word for int8 and int16, two for int32
 *   last      how many words after this node the right child lies; the left child follows the node
 *
 * A row goes left where the feature is at most the threshold. A leaf is pairs of a target, the lower 13 bits of a word,
 * and a value, which is the next word, or `unit` where the bit 0x4000 is set. The bit 0x2000 says that another follows.
 */
typedef struct {
    int32_t rows, features, targets, trees;
    int32_t unit;
    const int32_t *base;   /* what each sum begins with */
    const int32_t *starts; /* the first word of each tree */
    const uint16_t *nodes;
} eq_tree_ensemble_params;

/* Sums (rows, targets) over trees of the values of the leaves that each row (rows, features) reaches. */
void eq_tree_ensemble_ref(const eq_tree_ensemble_params *p, const int8_t *input, int32_t *output);
void eq_tree_ensemble_wide_ref(const eq_tree_ensemble_params *p, const int8_t *input, int32_t *output);
void eq_tree_ensemble_int16_ref(const eq_tree_ensemble_params *p, const int16_t *input, int32_t *output);
void eq_tree_ensemble_int32_ref(const eq_tree_ensemble_params *p, const int32_t *input, int32_t *output);

/* Thresholds are the bits of real numbers, those of negative ones turned over: compared as integers, which is quick
 * where there is no floating-point unit. */
void eq_tree_ensemble_float32_ref(const eq_tree_ensemble_params *p, const float *input, int32_t *output);

#endif
