#include "eq/posenet_decoder.h"

#include "eq/float32.h"

#define KEYPOINTS EQ_POSE_KEYPOINTS
#define REFINEMENTS 5

/* An operand of integers or of real numbers. */
typedef struct {
    const int8_t *integers;
    const float *reals;
    int32_t zero_point, channels;
    float scale;
} Map;

typedef struct {
    float y, x;
} Place;

/* A pose, places in elements. */
typedef struct {
    Place places[KEYPOINTS];
    float scores[KEYPOINTS];
    float mean, left;
} Pose;

static float element(const Map *map, int32_t at)
{
    return map->integers ? (float)(map->integers[at] - map->zero_point) * map->scale : map->reals[at] * map->scale;
}

/* What a channel is at a place between elements. */
static float between(const eq_posenet_decoder_params *p, const Map *map, Place at, int32_t channel)
{
    const int32_t row = (int32_t)at.y, column = (int32_t)at.x;
    const float down = at.y - (float)row, right = at.x - (float)column;
    const float up = 1.0f - down, left = 1.0f - right;
    const int32_t beside = right > 0.0f && column < p->width - 1 ? map->channels : 0;
    const int32_t below = down > 0.0f && row < p->height - 1 ? p->width * map->channels : 0;
    const int32_t first = (row * p->width + column) * map->channels + channel;
    const float above = left * element(map, first) + right * element(map, first + beside);
    const float under = left * element(map, first + below) + right * element(map, first + below + beside);
    return up * above + down * under;
}

static Place moved(const eq_posenet_decoder_params *p, Place at, float y, float x)
{
    const Place to = {eq_bounded(at.y + y, 0.0f, (float)(p->height - 1)),
                      eq_bounded(at.x + x, 0.0f, (float)(p->width - 1))};
    return to;
}

static int is_near(const eq_posenet_decoder_params *p, Place a, Place b)
{
    const float down = b.y - a.y, right = b.x - a.x;
    return down * down + right * right <= p->near;
}

static float mean_of(const float *scores)
{
    float total = 0.0f;
    for (int32_t k = 0; k < KEYPOINTS; k++) {
        total = total + scores[k];
    }
    return eq_quotient(total, (float)KEYPOINTS);
}

/* Whether no element around one of a heatmap is greater. */
static int is_peak(const eq_posenet_decoder_params *p, const Map *heat, int32_t at, float score)
{
    const int32_t place = at / KEYPOINTS, row = place / p->width, column = place % p->width;
    for (int32_t i = -1; i <= 1; i++) {
        for (int32_t j = -1; j <= 1; j++) {
            const int inside = row + i >= 0 && row + i < p->height && column + j >= 0 && column + j < p->width;
            if (inside && element(heat, at + (i * p->width + j) * KEYPOINTS) > score) {
                return 0;
            }
        }
    }
    return 1;
}

/* The next root after one with a score: the highest of those that are lower, or as high and behind it. -1: none. */
static int32_t next_root(const eq_posenet_decoder_params *p, const Map *heat, int32_t last, float score)
{
    int32_t best = -1;
    float highest = 0.0f;
    for (int32_t at = 0; at < p->height * p->width * KEYPOINTS; at++) {
        const float own = element(heat, at);
        const int follows = last < 0 || own < score || (own == score && at > last);
        if (own >= p->threshold && follows && (best < 0 || own > highest) && is_peak(p, heat, at, own)) {
            best = at;
            highest = own;
        }
    }
    return best;
}

/* Follows the edges from a keypoint to all others. */
static void decode(const eq_posenet_decoder_params *p, const Map *maps, int32_t root, Place at, Pose *pose)
{
    uint32_t known = 1u << root;
    pose->places[root] = at;
    while (known != (1u << KEYPOINTS) - 1) {
        for (int32_t k = 0; k < EQ_POSE_WAYS; k++) {
            const int32_t *way = p->ways + 4 * k;
            if (!(known >> way[0] & 1) || known >> way[1] & 1) {
                continue;
            }
            const Place from = pose->places[way[0]];
            Place to = moved(p, from, between(p, maps + 2, from, way[2]), between(p, maps + 2, from, way[3]));
            for (int32_t step = 0; step < REFINEMENTS; step++) {
                to = moved(p, to, between(p, maps + 1, to, way[1]), between(p, maps + 1, to, KEYPOINTS + way[1]));
            }
            pose->places[way[1]] = to;
            known |= 1u << way[1];
        }
    }
    for (int32_t k = 0; k < KEYPOINTS; k++) {
        pose->scores[k] = eq_sigmoid(between(p, maps, pose->places[k], k));
    }
    pose->mean = mean_of(pose->scores);
}

/* Puts the pose behind `count` others where their means are in order, behind those that are equal. */
static void insert(Pose *poses, int32_t count)
{
    const Pose last = poses[count];
    for (; count > 0 && poses[count - 1].mean < last.mean; count--) {
        poses[count] = poses[count - 1];
    }
    poses[count] = last;
}

/* All poses with a mean score that is high enough, the best first. Returns how many. */
static int32_t all(const eq_posenet_decoder_params *p, const Map *maps, Pose *poses)
{
    int32_t found = 0, root = -1;
    float score = 0.0f;
    while (found < p->limit && (root = next_root(p, maps, root, score)) >= 0) {
        const int32_t place = root / KEYPOINTS, kind = root % KEYPOINTS;
        const int32_t offset = place * 2 * KEYPOINTS + kind;
        const Place centre = {(float)(place / p->width), (float)(place % p->width)};
        const Place at = moved(p, centre, element(maps + 1, offset), element(maps + 1, offset + KEYPOINTS));
        int taken = 0;
        score = element(maps, root);
        for (int32_t k = 0; k < found && !taken; k++) {
            taken = is_near(p, at, poses[k].places[kind]);
        }
        if (taken) {
            continue;
        }
        decode(p, maps, kind, at, poses + found);
        if (poses[found].mean >= p->score) {
            insert(poses, found++);
        }
    }
    return found;
}

/* The score of a pose without keypoints that are near to those of the poses before. */
static void rescore(const eq_posenet_decoder_params *p, Pose *poses, int32_t index)
{
    float scores[KEYPOINTS];
    for (int32_t k = 0; k < KEYPOINTS; k++) {
        int hidden = 0;
        for (int32_t i = 0; i < index && !hidden; i++) {
            hidden = is_near(p, poses[index].places[k], poses[i].places[k]);
        }
        scores[k] = hidden ? 0.0f : poses[index].scores[k];
    }
    poses[index].left = mean_of(scores);
}

/* The next pose after one, from the highest score that is left to the lowest; -1: none. */
static int32_t next_pose(const Pose *poses, int32_t count, int32_t last)
{
    int32_t best = -1;
    for (int32_t k = 0; k < count; k++) {
        const float own = poses[k].left;
        const int follows = last < 0 || own < poses[last].left || (own == poses[last].left && k > last);
        if (follows && (best < 0 || own > poses[best].left)) {
            best = k;
        }
    }
    return best;
}

static void decoded(const eq_posenet_decoder_params *p, const Map *maps, float *keypoints, float *scores, float *totals,
                    float *count, Pose *poses)
{
    const int32_t found = all(p, maps, poses);
    int32_t rows = 0, pose = -1;
    for (int32_t k = 0; k < found; k++) {
        rescore(p, poses, k);
    }
    while ((pose = next_pose(poses, found, pose)) >= 0 && poses[pose].left >= p->score) {
        for (int32_t k = 0; k < KEYPOINTS; k++) {
            *keypoints++ = poses[pose].places[k].y * p->stride;
            *keypoints++ = poses[pose].places[k].x * p->stride;
            *scores++ = poses[pose].scores[k];
        }
        *totals++ = poses[pose].left;
        rows++;
    }
    *count = (float)rows;
    for (; rows < p->limit; rows++) {
        for (int32_t k = 0; k < KEYPOINTS; k++) {
            *keypoints++ = 0.0f;
            *keypoints++ = 0.0f;
            *scores++ = 0.0f;
        }
        *totals++ = 0.0f;
    }
}

void eq_posenet_decoder_ref(const eq_posenet_decoder_params *p, const int8_t *heat, const int8_t *near,
                            const int8_t *mid, float *keypoints, float *scores, float *poses, float *count,
                            void *scratch)
{
    const Map maps[] = {{heat, 0, p->zero_points[0], KEYPOINTS, p->scales[0]},
                        {near, 0, p->zero_points[1], 2 * KEYPOINTS, p->scales[1]},
                        {mid, 0, p->zero_points[2], 2 * EQ_POSE_WAYS, p->scales[2]}};
    decoded(p, maps, keypoints, scores, poses, count, scratch);
}

void eq_posenet_decoder_float32_ref(const eq_posenet_decoder_params *p, const float *heat, const float *near,
                                    const float *mid, float *keypoints, float *scores, float *poses, float *count,
                                    void *scratch)
{
    const Map maps[] = {{0, heat, 0, KEYPOINTS, p->scales[0]},
                        {0, near, 0, 2 * KEYPOINTS, p->scales[1]},
                        {0, mid, 0, 2 * EQ_POSE_WAYS, p->scales[2]}};
    decoded(p, maps, keypoints, scores, poses, count, scratch);
}
