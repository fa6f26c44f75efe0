-- Features that were computed elsewhere, for the same rows.
-- in:  cohort_part, given_feature      out: feature rows
SELECT row_id, covariate_id, covariate_value FROM given_feature SEMI JOIN cohort_part USING (row_id)
