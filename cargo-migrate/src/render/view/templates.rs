//! The templates of `new`.

use serde_json::{Value, json};

use crate::render::{Page, View, escape_line};
use crate::template::Template;

/// All templates, with what they take.
pub(crate) struct TemplatesView(pub(crate) Vec<Template>);

impl View for TemplatesView {
    fn human(&self, page: Page) -> String {
        let width = self.0.iter().map(|template| template.name.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for template in &self.0 {
            let name = escape_line(&template.name);
            let pad = " ".repeat(width.saturating_sub(name.chars().count()));
            let own = if template.is_own { " (of this project)" } else { "" };
            text +=
                &format!("{}{pad}  {}{own}\n", page.paint.bold(&name), escape_line(&template.description));
            let parameters: Vec<_> = template
                .parameters()
                .into_iter()
                .map(|parameter| match parameter.default {
                    Some(default) => format!("{}={default}", parameter.name),
                    None => parameter.name,
                })
                .collect();
            if !parameters.is_empty() {
                let parameters = parameters.join(", ");
                text += &format!("{}  {}\n", " ".repeat(width), page.paint.faint(&escape_line(&parameters)));
            }
        }
        text += "\ncargo migrate new NAME --template TEMPLATE --param KEY=VALUE …\n";
        text += "What a NAME such as add_price_to_products or create_products says need not be passed.\n";
        text
    }

    fn json(&self) -> Value {
        let template = |template: &Template| {
            let parameters = template.parameters();
            let parameter = |p: crate::template::Placeholder| json!({ "name": p.name, "default": p.default });
            json!({
                "name": template.name, "description": template.description, "own": template.is_own,
                "migrations": template.phases.len(), "parameters": parameters.into_iter().map(parameter).collect::<Value>(),
            })
        };
        json!({ "templates": self.0.iter().map(template).collect::<Value>() })
    }
}
